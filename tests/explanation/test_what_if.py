"""Inputs of a model, what another value would change, and what to measure next."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from records import records_of

from kappredict.cohort.records import record_history
from kappredict.data.study import Study
from kappredict.domain.features import DeliveredFeature
from kappredict.domain.prediction import Prediction
from kappredict.errors import UsageError
from kappredict.estimators.bundle import ModelBundle
from kappredict.estimators.uncertainty import fit_uncertainty
from kappredict.estimators.working import logistic
from kappredict.explanation.inputs import inputs
from kappredict.explanation.next_measurement import measure_next
from kappredict.explanation.what_if import changed_record, what_if
from kappredict.features.build import build_features
from kappredict.features.table import FeatureTable

Record = Mapping[str, Any]


@pytest.fixture(scope="module")
def records(study: Study) -> list[Record]:
    return records_of(study, study.courses.head(40))


def features_of(bundle: ModelBundle, record: Record) -> FeatureTable:
    recipe = bundle.recipe
    history = record_history([record], bundle.task.moment, recipe.instruments, recipe.study)
    return build_features(history, recipe.specs)


def feature(bundle: ModelBundle, record: Record, name: str) -> Any:
    return features_of(bundle, record).frame[name].iloc[0]


def test_everything_a_model_reads_can_be_entered_but_sessions(bundle: ModelBundle) -> None:
    groups = {one.group for one in inputs(bundle)}
    read = {
        spec.group for spec in bundle.recipe.specs if not isinstance(spec.recipe, DeliveredFeature)
    }
    assert groups == read


def test_an_input_has_a_range_or_levels(bundle: ModelBundle) -> None:
    for one in inputs(bundle):
        assert one.levels or one.kind == "flag" or one.low is not None or one.typical is None


def test_no_change_changes_nothing(bundle: ModelBundle, records: list[Record]) -> None:
    found = what_if(bundle, records[0], {})
    assert found.before == found.after
    assert "association" in found.note


def test_another_score_is_what_the_model_reads(bundle: ModelBundle, records: list[Record]) -> None:
    for record in records[:5]:
        changed = changed_record(bundle, record, {"phq9": 26.0})
        assert feature(bundle, changed, "phq9_last") == 26.0
        assert feature(bundle, record, "phq9_last") != 26.0


def test_a_score_of_an_instrument_never_used_is_added(
    bundle: ModelBundle, records: list[Record]
) -> None:
    bare = {**records[0], "assessments": []}
    changed = changed_record(bundle, bare, {"phq9": 20.0, "phq9.3": 3.0})
    assert feature(bundle, changed, "phq9_last") == 20.0
    assert feature(bundle, changed, "phq9_item_3") == 3.0


def test_a_value_can_be_taken_away(bundle: ModelBundle, records: list[Record]) -> None:
    changed = changed_record(bundle, records[0], {"age": None, "phq9": None})
    assert np.isnan(feature(bundle, changed, "age"))
    assert np.isnan(feature(bundle, changed, "phq9_last"))


@pytest.mark.parametrize("value", [True, False])
def test_a_fact_of_history_is_there_or_was_asked_for(
    bundle: ModelBundle, records: list[Record], value: bool
) -> None:
    flags = [one.name for one in inputs(bundle) if one.part == "history" and one.kind == "flag"]
    for name in flags:
        changed = changed_record(bundle, records[1], {name: value})
        assert feature(bundle, changed, name) == float(value), name


def test_a_count_of_history_is_as_many_facts(bundle: ModelBundle, records: list[Record]) -> None:
    changed = changed_record(bundle, records[1], {"failed_antidepressants": 4.0})
    assert feature(bundle, changed, "failed_antidepressants") == 4.0


@pytest.mark.parametrize("taken", [0.0, 1.0])
def test_what_failed_before_is_not_what_is_taken_now(
    bundle: ModelBundle, records: list[Record], taken: float
) -> None:
    given = {"failed_antidepressants": 4.0, "takes_antidepressant": taken}
    for changes in (given, dict(reversed(given.items()))):
        changed = changed_record(bundle, records[1], changes)
        found = {name: feature(bundle, changed, name) for name in given}
        assert found == given


def test_an_unknown_input_is_refused_with_those_there_are(
    bundle: ModelBundle, records: list[Record]
) -> None:
    with pytest.raises(UsageError, match=r"no input shoe_size; inputs are: .*phq9"):
        what_if(bundle, records[0], {"shoe_size": 42.0})


def test_what_if_moves_the_probability_the_way_the_model_goes(
    bundle: ModelBundle, records: list[Record]
) -> None:
    found = what_if(bundle, records[2], {"age": 80.0})
    assert isinstance(found.before, Prediction)
    assert isinstance(found.after, Prediction)
    assert found.before.probability != found.after.probability
    assert found.after.interval[0] < found.after.probability < found.after.interval[1]


def test_what_would_narrow_the_interval_most_comes_first(
    bundle: ModelBundle, records: list[Record]
) -> None:
    for record in records[:10]:
        found = measure_next(bundle, features_of(bundle, record))
        widths = [one.then for one in found]
        assert widths == sorted(widths)
        assert all(one.then < one.now for one in found)


def test_only_what_is_not_known_is_to_be_measured(
    bundle: ModelBundle, records: list[Record]
) -> None:
    known = changed_record(bundle, records[0], {"age": 40.0})
    group = next(one.group for one in inputs(bundle) if one.name == "age")
    assert group not in {one.group for one in measure_next(bundle, features_of(bundle, known))}


def test_revealing_what_was_hidden_narrows_intervals_as_foretold() -> None:
    """On average over patients: margins' spread with a value hidden, and with it shown."""
    rng = np.random.default_rng(1)
    columns = rng.normal(size=(1500, 4))
    margin = 1.2 * columns[:, 0] - 0.4 * columns[:, 1]
    outcome = (rng.random(1500) < 1 / (1 + np.exp(-margin))).astype(float)
    sites, weights = np.repeat(["a", "b", "c"], 500), np.ones(1500)
    found = fit_uncertainty(columns, sites, logistic(outcome), weights, 0.0)
    first = np.array([True, False, False, False])
    hidden = np.where(first, np.nan, columns)
    now = np.mean(found.spread(hidden) ** 2)
    foretold = now - np.mean(found.spread_once_known(hidden, first) ** 2)
    happened = now - np.mean(found.spread(columns) ** 2)
    assert foretold > now / 2
    assert happened == pytest.approx(foretold, rel=0.02)


def test_a_score_entered_only_at_the_landmark_is_not_the_one_that_changes(
    bundle: ModelBundle,
) -> None:
    late = {"day": -3.0, "instrument": "phq9", "value": 9.0, "recorded_day": 0.0}
    record = {"course": {"condition": "depression", "index_day": 0.0}, "assessments": [late]}
    changed = changed_record(bundle, record, {"phq9": 20.0})
    assert late in changed["assessments"]
    assert feature(bundle, changed, "phq9_last") == 20.0
