"""Answers and their reasons, from a model of a small simulated study."""

import numpy as np
import pytest
from records import records_of

from kappredict.config.catalogue import Catalogue
from kappredict.data.study import Study
from kappredict.domain.features import ItemFeature, TotalFeature
from kappredict.domain.prediction import Abstention, Prediction
from kappredict.errors import DataError
from kappredict.estimators.bundle import ModelBundle
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.explanation.answer import LEAST_KNOWN, answer_features, answer_records
from kappredict.explanation.groups import explain
from kappredict.explanation.study_answers import answer_study
from kappredict.explanation.words import NOT_KNOWN
from kappredict.features.table import FeatureTable


def predictions(bundle: ModelBundle, table: FeatureTable, data: ModellingSet) -> list[Prediction]:
    """The answers that are predictions."""
    answers = answer_features(bundle, table, data.courses["course_id"].tolist())
    return [one for one in answers if isinstance(one, Prediction)]


def with_values(table: FeatureTable, **values: object) -> FeatureTable:
    return FeatureTable(table.frame.assign(**values), table.specs)


def test_an_instruments_items_and_aggregates_are_one_row(
    bundle: ModelBundle, catalogue: Catalogue
) -> None:
    for spec in bundle.recipe.specs:
        if isinstance(spec.recipe, TotalFeature | ItemFeature):
            assert spec.group == catalogue.instruments[spec.recipe.instrument].short_name


def test_the_levels_of_a_category_are_one_row(bundle: ModelBundle, data: ModellingSet) -> None:
    groups, belongs = bundle.ideas
    of_route = {
        groups[row.argmax()]
        for row, column in zip(belongs, bundle.encoder.columns, strict=True)
        if column.feature == "planned_route"
    }
    levels = [one for one in bundle.encoder.columns if one.feature == "planned_route"]
    assert len(levels) > 1
    assert len(of_route) == 1
    assert of_route <= set(explain(bundle, bundle.ask(data.features)).groups)


def test_points_and_what_they_start_from_add_up_to_the_probability(
    bundle: ModelBundle, data: ModellingSet
) -> None:
    for one in predictions(bundle, data.features, data):
        total = 100 * one.start + sum(reason.points for reason in one.reasons)
        assert total == pytest.approx(100 * one.probability, abs=1e-6)


def test_of_relapse_points_add_up_at_every_horizon(
    relapse_bundle: ModelBundle, relapse_data: ModellingSet
) -> None:
    for one in predictions(relapse_bundle, relapse_data.features, relapse_data)[:20]:
        for day, well in one.survival.items():
            added = sum(reason.points_by_day[day] for reason in one.reasons)
            assert 100 * one.start_by_day[day] + added == pytest.approx(100 * well, abs=1e-6)


def test_each_clinical_idea_is_one_reason_and_the_strongest_comes_first(
    bundle: ModelBundle, data: ModellingSet
) -> None:
    for one in predictions(bundle, data.features, data):
        strength = [abs(reason.points) for reason in one.reasons]
        groups = [reason.group for reason in one.reasons]
        assert strength == sorted(strength, reverse=True)
        assert len(groups) == len(set(groups))


def test_a_value_that_is_missing_is_worded_as_not_known(
    bundle: ModelBundle, data: ModellingSet
) -> None:
    group = next(spec.group for spec in bundle.recipe.specs if spec.name == "age")
    (first, *_) = predictions(bundle, with_values(data.features, age=np.nan), data)
    assert next(reason.value for reason in first.reasons if reason.group == group) == NOT_KNOWN


def test_a_score_is_worded_with_its_band_beside_the_typical_one(
    bundle: ModelBundle, data: ModellingSet
) -> None:
    (first, *_) = predictions(bundle, with_values(data.features, phq9_last=21.0), data)
    reason = next(one for one in first.reasons if one.group == "PHQ-9")
    assert reason.value == "21, severe"
    assert reason.sentence.startswith(f"PHQ-9 21, severe; typical {reason.typical}: ")
    assert reason.sentence.endswith(" points")


def test_with_next_to_nothing_known_there_is_no_prediction_but_a_reason(
    bundle: ModelBundle, data: ModellingSet
) -> None:
    nothing = {
        name: np.nan if data.features.frame[name].dtype == "float64" else None
        for name in data.features.frame
    }
    empty = data.features.frame.assign(**nothing).astype(data.features.frame.dtypes)
    table = FeatureTable(empty, data.features.specs)
    (first, *_) = answer_features(bundle, table, data.courses["course_id"].tolist())
    assert isinstance(first, Abstention)
    assert f"at least {LEAST_KNOWN:.0%} is needed" in first.reason


def test_whom_predictions_are_not_meant_for_gets_none_but_a_reason(
    bundle: ModelBundle, data: ModellingSet
) -> None:
    ids = data.courses["course_id"].tolist()
    young, grown = (
        answer_features(bundle, with_values(data.features, age=age), ids)[0] for age in (17.0, 40.0)
    )
    assert isinstance(young, Abstention)
    assert "age is below 18" in young.reason
    assert isinstance(grown, Prediction)


def test_a_value_outside_the_training_range_is_warned_of_and_not_repeated(
    bundle: ModelBundle, data: ModellingSet
) -> None:
    oldest = float(data.features.frame["age"].max())
    table = with_values(data.features, age=oldest + 0.25)
    answers = answer_features(bundle, table, data.courses["course_id"].tolist())
    first = next(one for one in answers if isinstance(one, Prediction))
    assert [one for one in first.warnings if "Age" in one]
    assert not [one for one in first.warnings if f"{oldest + 0.25:g}" in one]


def test_a_patient_far_from_all_others_gets_no_prediction_but_a_reason(
    bundle: ModelBundle, data: ModellingSet
) -> None:
    table = with_values(data.features, age=400.0)
    (first, *_) = answer_features(bundle, table, data.courses["course_id"].tolist())
    assert isinstance(first, Abstention)
    assert "unlike all those" in first.reason


def test_an_interval_holds_its_probability(bundle: ModelBundle, data: ModellingSet) -> None:
    for one in answer_features(bundle, data.features, data.courses["course_id"].tolist()):
        if isinstance(one, Prediction):
            assert 0 < one.interval[0] < one.probability < one.interval[1] < 1


def test_training_rows_lie_inside_the_training_range(
    bundle: ModelBundle, data: ModellingSet
) -> None:
    for one in answer_features(bundle, data.features, data.courses["course_id"].tolist()):
        assert isinstance(one, Abstention) or one.warnings == ()


def test_answers_of_a_model_of_synthetic_patients_say_so(bundle: ModelBundle, study: Study) -> None:
    assert all(one.synthetic for one in answer_study(bundle, study))


def test_a_study_without_such_courses_is_refused_with_the_steps(
    bundle: ModelBundle, study: Study
) -> None:
    others = Study.of(
        study.definition, {**study.tables, "courses": study.courses.assign(condition="gad")}
    )
    with pytest.raises(DataError, match=r"no course to predict for .*: 0"):
        answer_study(bundle, others)


def test_a_record_alone_is_answered_as_the_study_it_was_taken_from(
    bundle: ModelBundle, study: Study
) -> None:
    courses = study.courses[study.courses["condition"] == bundle.task.condition.id].head(12)
    of_study = {one.course_id: one for one in answer_study(bundle, study)}
    for record in records_of(study, courses):
        (alone,) = answer_records(bundle, [record])
        assert alone == of_study[alone.course_id]
