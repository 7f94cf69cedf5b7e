"""Answers and their reasons, from a model of a small simulated study."""

from dataclasses import replace

import numpy as np
import pytest

from kappredict.config.catalogue import Catalogue
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.domain.features import ItemFeature, TotalFeature
from kappredict.domain.prediction import Abstention, Prediction
from kappredict.domain.task import PredictionTask
from kappredict.errors import DataError
from kappredict.estimators.bundle import ModelBundle
from kappredict.estimators.candidates import BoostedAFT, Logistic
from kappredict.evaluation.modelling_set import ModellingSet, build_modelling_set
from kappredict.evaluation.report import EvaluationReport, SchemeResult
from kappredict.evaluation.settings import RandomSplits, Schemes, TrainingSettings
from kappredict.evaluation.training import train_bundle
from kappredict.explanation.answer import LEAST_KNOWN, answer, answer_features
from kappredict.explanation.groups import NOT_KNOWN, column_groups, explain, importance, reasons
from kappredict.features.table import FeatureTable

SETTINGS = TrainingSettings(
    inner_folds=2,
    schemes=Schemes(random_cv=RandomSplits(folds=2, repeats=1)),
    response_candidates=(Logistic(model="logistic"),),
    relapse_candidates=(BoostedAFT(model="boosted_aft", rounds=5),),
)


@pytest.fixture(scope="module")
def study(catalogue: Catalogue) -> Study:
    simulated = simulate(load_parameters(), patients=250, seed=2, conditions=("depression",))
    return with_totals(simulated.study, catalogue.instruments)


@pytest.fixture(scope="module")
def data(study: Study, catalogue: Catalogue) -> ModellingSet:
    task = PredictionTask(catalogue.condition("depression"), "response", "baseline")
    return build_modelling_set(study, catalogue, task)


@pytest.fixture(scope="module")
def bundle(study: Study, data: ModellingSet, catalogue: Catalogue) -> ModelBundle:
    n, events = len(data.target), data.target.events
    not_judged = {"random_cv": SchemeResult({}, {}, n, events, {})}
    report = EvaluationReport(data.task.name, n, events, not_judged, {}, (), None)
    return train_bundle(data, report, study, catalogue, SETTINGS)


def with_values(table: FeatureTable, **values: object) -> FeatureTable:
    return FeatureTable(table.frame.assign(**values), table.specs)


def test_an_instruments_items_and_aggregates_are_one_row(
    bundle: ModelBundle, catalogue: Catalogue
) -> None:
    for spec in bundle.recipe.specs:
        if isinstance(spec.recipe, TotalFeature | ItemFeature):
            assert spec.group == catalogue.instruments[spec.recipe.instrument].short_name


def test_the_levels_of_a_category_are_one_row(bundle: ModelBundle, data: ModellingSet) -> None:
    groups = column_groups(bundle.encoder, bundle.recipe.specs)
    of_route = {
        group
        for group, column in zip(groups, bundle.encoder.columns, strict=True)
        if column.feature == "planned_route"
    }
    levels = [one for one in bundle.encoder.columns if one.feature == "planned_route"]
    assert len(levels) > 1
    assert len(of_route) == 1
    assert of_route <= set(explain(bundle, data.features).shares)


def test_rows_add_up_to_the_margin(bundle: ModelBundle, data: ModellingSet) -> None:
    explained = explain(bundle, data.features)
    total = explained.shares.sum(axis=1) + explained.expected
    np.testing.assert_allclose(total, bundle.margins(data.features), atol=1e-5)


def test_each_clinical_idea_is_one_reason_and_the_strongest_comes_first(
    bundle: ModelBundle, data: ModellingSet
) -> None:
    for of_course in reasons(bundle, data.features):
        strength = [abs(reason.contribution) for reason in of_course]
        groups = [reason.group for reason in of_course]
        assert strength == sorted(strength, reverse=True)
        assert len(groups) == len(set(groups))


def test_importance_is_the_mean_strength(bundle: ModelBundle, data: ModellingSet) -> None:
    found = importance(bundle, data.features)
    assert list(found) == sorted(found, reverse=True)
    shares = explain(bundle, data.features).shares
    assert found.iloc[0] == pytest.approx(shares[found.index[0]].abs().mean())


def test_a_value_that_is_missing_is_worded_as_not_known(
    bundle: ModelBundle, data: ModellingSet
) -> None:
    group = next(spec.group for spec in bundle.recipe.specs if spec.name == "age")
    (of_course, *_) = reasons(bundle, with_values(data.features, age=np.nan))
    assert next(reason.value for reason in of_course if reason.group == group) == NOT_KNOWN


def test_a_score_is_worded_with_its_band(bundle: ModelBundle, data: ModellingSet) -> None:
    (of_course, *_) = reasons(bundle, with_values(data.features, phq9_last=17.0))
    assert next(one.value for one in of_course if one.group == "PHQ-9").startswith("17, ")


def test_with_next_to_nothing_known_there_is_no_prediction_but_a_reason(
    bundle: ModelBundle, data: ModellingSet
) -> None:
    nothing = {
        name: np.nan if data.features.frame[name].dtype == "float64" else None
        for name in data.features.frame
    }
    empty = data.features.frame.assign(**nothing).astype(data.features.frame.dtypes)
    table = FeatureTable(empty, data.features.specs)
    (first, *_) = answer_features(bundle, table, data.courses["course_id"])
    assert isinstance(first, Abstention)
    assert f"at least {LEAST_KNOWN:.0%} is needed" in first.reason


def test_a_value_outside_the_training_range_is_warned_of_and_not_repeated(
    bundle: ModelBundle, data: ModellingSet
) -> None:
    oldest = float(data.features.frame["age"].max())
    table = with_values(data.features, age=oldest + 0.25)
    answers = answer_features(bundle, table, data.courses["course_id"])
    first = next(one for one in answers if isinstance(one, Prediction))
    assert [one for one in first.warnings if "Age" in one]
    assert not [one for one in first.warnings if f"{oldest + 0.25:g}" in one]


def test_a_patient_far_from_all_others_gets_no_prediction_but_a_reason(
    bundle: ModelBundle, data: ModellingSet
) -> None:
    table = with_values(data.features, age=400.0)
    (first, *_) = answer_features(bundle, table, data.courses["course_id"])
    assert isinstance(first, Abstention)
    assert "unlike all those" in first.reason


def test_an_interval_holds_its_probability(bundle: ModelBundle, data: ModellingSet) -> None:
    for one in answer_features(bundle, data.features, data.courses["course_id"]):
        if isinstance(one, Prediction):
            assert 0 < one.interval[0] < one.probability < one.interval[1] < 1


def test_training_rows_lie_inside_the_training_range(
    bundle: ModelBundle, data: ModellingSet
) -> None:
    for one in answer_features(bundle, data.features, data.courses["course_id"]):
        assert isinstance(one, Abstention) or one.warnings == ()


def test_answers_of_a_model_of_synthetic_patients_say_so(bundle: ModelBundle, study: Study) -> None:
    assert all(one.synthetic for one in answer(bundle, study))


def test_a_study_without_such_courses_is_refused_with_the_steps(
    bundle: ModelBundle, study: Study
) -> None:
    others = Study.of(
        study.definition, {**study.tables, "courses": study.courses.assign(condition="gad")}
    )
    with pytest.raises(DataError, match=r"no course to predict for .*: 0"):
        answer(bundle, others)


def test_a_margin_scaled_by_calibration_scales_the_reasons(
    bundle: ModelBundle, data: ModellingSet
) -> None:
    """Reasons live on the calibrated scale, not on the raw model's."""
    doubled = replace(
        bundle, calibration=replace(bundle.calibration, slope=2 * bundle.calibration.slope)
    )
    np.testing.assert_allclose(
        explain(doubled, data.features).shares, 2 * explain(bundle, data.features).shares
    )
