"""One patient's record gives the features that the same rows give among thousands."""

import math

import numpy as np
import pytest
from pandas.testing import assert_frame_equal
from records import records_of

from kappredict.cohort.courses import find_cohort
from kappredict.cohort.records import record_history
from kappredict.config.catalogue import Catalogue
from kappredict.data.history import History
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.domain.conditions import Landmark
from kappredict.domain.task import PredictionTask
from kappredict.features.build import build_features
from kappredict.features.specs import feature_specs


@pytest.fixture(scope="module")
def study() -> Study:
    return simulate(load_parameters(), patients=60, seed=8, conditions=("aud", "ptsd")).study


@pytest.mark.parametrize("landmark", ["baseline", "early"])
@pytest.mark.parametrize("condition", ["aud", "ptsd"])
def test_records_have_the_features_of_the_study_they_were_taken_from(
    study: Study, catalogue: Catalogue, condition: str, landmark: Landmark
) -> None:
    task = PredictionTask(catalogue.condition(condition), "response", landmark)
    whole = with_totals(study, catalogue.instruments)
    courses = find_cohort(whole, task).courses
    specs = feature_specs(catalogue, whole, condition)
    expected = build_features(History.cut(whole, courses), specs).frame
    records = records_of(study, courses)
    history = record_history(records, task.moment, catalogue.instruments, study.definition)
    assert_frame_equal(build_features(history, specs).frame, expected)
    for place in (0, 1, len(records) - 1):
        alone = record_history(
            [records[place]], task.moment, catalogue.instruments, study.definition
        )
        one = build_features(alone, specs).frame
        assert_frame_equal(one, expected.iloc[[place]].reset_index(drop=True))


def test_a_record_without_anything_has_a_past_without_rows(
    study: Study, catalogue: Catalogue
) -> None:
    task = PredictionTask(catalogue.condition("ptsd"), "response", "baseline")
    bare = {"course": {"condition": "ptsd", "index_day": 0.0}}
    history = record_history([bare], task.moment, catalogue.instruments, study.definition)
    specs = feature_specs(catalogue, study, "ptsd")
    features = build_features(history, specs).frame
    assert len(features) == 1
    totals = [spec.name for spec in specs if spec.name.endswith("_last")]
    assert features[totals].isna().all(axis=None)


def test_items_give_a_total_that_is_known_when_the_last_of_them_is(catalogue: Catalogue) -> None:
    gad = catalogue.instruments["gad7"]
    items = [
        {"instrument": "gad7", "day": -3.0, "item": item.id, "value": 2.0} for item in gad.items
    ]
    items[0]["recorded_day"] = 5.0
    task = PredictionTask(catalogue.condition("gad"), "response", "baseline")
    definition = simulate(load_parameters(), patients=1, seed=1).study.definition
    record = {"course": {"condition": "gad", "index_day": 0.0}, "assessments": items}
    late = record_history([record], task.moment, catalogue.instruments, definition)
    assert not (late.assessments.texts["item"].codes < 0).any()
    items[0]["recorded_day"] = -1.0
    known = record_history([record], task.moment, catalogue.instruments, definition)
    total = np.flatnonzero(known.assessments.texts["item"].codes < 0)
    assert known.assessments.numbers["value"][total].tolist() == [14.0]
    assert math.isclose(known.assessments.numbers["known_day"][total][0], -1.0)
