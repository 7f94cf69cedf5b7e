"""Predicting anew as a course goes on: later moments know more, and never what lies ahead."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kappredict.config.catalogue import Catalogue, load_catalogue, shipped_configs
from kappredict.data.importing import import_study
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.data.validation import check
from kappredict.domain.conditions import Landmark
from kappredict.domain.features import FeatureSpec
from kappredict.domain.task import PredictionTask
from kappredict.domain.windows import Moment
from kappredict.errors import RefusedError
from kappredict.estimators.candidates import PooledHazard
from kappredict.estimators.fit import FittedModel
from kappredict.evaluation.cross_validation import OutOfFold, predict
from kappredict.evaluation.metrics_binary import auc
from kappredict.evaluation.questions import judged_rows, questions
from kappredict.evaluation.reprediction import (
    Landmarks,
    after_each_dose,
    closing_question,
    landmarks,
    out_of_fold,
    predict_along,
)
from kappredict.features.specs import feature_specs

HAZARD = PooledHazard(model="pooled_hazard")
DAYS = (0.0, 21.0, 42.0)
MOMENTS = tuple(Moment(day=day) for day in DAYS)


@dataclass(frozen=True)
class Asked:
    """A study and what is asked of it."""

    study: Study
    task: PredictionTask
    specs: tuple[FeatureSpec, ...]

    def at(self, moments: tuple[Moment, ...]) -> Landmarks:
        return landmarks(self.study, self.task, self.specs, moments)


@pytest.fixture(scope="module")
def opioids(real_data: Path) -> Asked:
    """The opioid trials, whose clock starts on the first day for everybody."""
    shipped = load_catalogue()
    raw = import_study(shipped_configs() / "studies" / "ctn0094", real_data / "ctn0094", shipped)
    study = check(raw, shipped).study
    catalogue = shipped.for_study(study.definition)
    study = with_totals(study, catalogue.instruments)
    task = PredictionTask(catalogue.condition("oud"), "relapse", "early")
    return Asked(study, task, feature_specs(catalogue, study, "oud"))


@pytest.fixture(scope="module")
def marks(opioids: Asked) -> Landmarks:
    """The trials on the first day, after three weeks and after six."""
    return opioids.at(MOMENTS)


@pytest.fixture(scope="module")
def predicted(marks: Landmarks) -> list[OutOfFold]:
    return out_of_fold(marks, [HAZARD], folds=2, inner=2, seed=1)


@pytest.fixture(scope="module")
def model(marks: Landmarks) -> FittedModel:
    return marks.fit([HAZARD], folds=2, seed=1)


def simulated(catalogue: Catalogue, condition: str, landmark: Landmark) -> Asked:
    drawn = simulate(load_parameters(), patients=300, seed=3, conditions=(condition,))
    own = catalogue.for_study(drawn.study.definition)
    study = with_totals(drawn.study, own.instruments)
    task = PredictionTask(own.condition(condition), "relapse", landmark)
    return Asked(study, task, feature_specs(own, study, condition))


@pytest.fixture(scope="module")
def depressed(catalogue: Catalogue) -> Asked:
    """Courses whose clock starts with response."""
    return simulated(catalogue, "depression", "end_of_course")


@pytest.fixture(scope="module")
def drinkers(catalogue: Catalogue) -> Asked:
    """Courses of several doses whose clock starts with the first."""
    return simulated(catalogue, "aud", "baseline")


def cut_short(study: Study, day: float) -> Study:
    """Take away all that came on a day after the index day or later: the courses go on."""
    tables = dict(study.tables)
    index = study.courses.set_index("patient_id")["index_day"]
    of_course = study.courses.set_index("course_id")["index_day"]
    for name, key, start, when in (
        ("assessments", "patient_id", index, "day"),
        ("sessions", "course_id", of_course, "day"),
        ("history", "patient_id", index, "start_day"),
    ):
        since = tables[name][when] - tables[name][key].map(start).astype(float)
        tables[name] = tables[name][~(since >= day)].reset_index(drop=True)
    last = np.minimum(study.courses["last_day"], study.courses["index_day"] + day)
    tables["courses"] = study.courses.assign(last_day=last)
    return Study.of(study.definition, tables)


@pytest.mark.real
def test_never_are_more_waiting_at_a_later_moment(marks: Landmarks) -> None:
    sizes = [len(one.target) for one in marks.sets]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < sizes[0]
    assert len(marks.rows.target) == sum(sizes)


@pytest.mark.real
def test_a_relapse_ends_the_wait_once_the_last_of_its_four_weeks_is_known(marks: Landmarks) -> None:
    first = marks.sets[0]
    known_on = pd.Series(first.target.upper + 3 * 7, first.courses["course_id"])
    for day, later in zip(DAYS, marks.sets, strict=True):
        assert set(later.courses["course_id"]) == set(known_on.index[known_on >= day])


@pytest.mark.real
def test_the_day_of_the_prediction_is_a_feature(marks: Landmarks) -> None:
    for day, one in zip(DAYS, marks.sets, strict=True):
        assert set(one.features.frame["day_of_prediction"]) == {day}


@pytest.mark.real
def test_what_was_seen_since_makes_the_next_prediction_of_the_same_courses_better(
    marks: Landmarks, predicted: list[OutOfFold]
) -> None:
    # Those waiting later are harder to tell apart, so that only the same courses compare.
    still_waiting = marks.sets[-1].courses["course_id"]
    reached = []
    for data, one in zip(marks.sets, predicted, strict=True):
        rows = judged_rows(data, one)
        assert len(rows) == len(data.target)
        rows = rows[data.courses["course_id"].isin(still_waiting).to_numpy()[rows]]
        asked = closing_question(data, one, rows, 84.0)
        found = auc(asked.outcome, asked.probability[0], asked.folds[0], asked.weights[None])
        reached.append(found[0])
    assert 0.55 < reached[0] < reached[1] < reached[2]


@pytest.mark.real
def test_asked_on_the_first_day_the_closing_question_is_the_tasks_own(
    marks: Landmarks, predicted: list[OutOfFold]
) -> None:
    data, one = marks.sets[0], predicted[0]
    rows = judged_rows(data, one)
    for day in (28.0, 84.0):
        own = questions(data, one, rows)[f"day {day:g}"]
        closing = closing_question(data, one, rows, day)
        np.testing.assert_allclose(closing.probability, own.probability)
        np.testing.assert_array_equal(closing.outcome, own.outcome)
        np.testing.assert_allclose(closing.weights, own.weights)


@pytest.mark.real
def test_a_prediction_made_on_the_closing_day_is_left_out(
    marks: Landmarks, predicted: list[OutOfFold]
) -> None:
    data, one = marks.sets[-1], predicted[-1]
    assert not len(closing_question(data, one, judged_rows(data, one), DAYS[-1]).outcome)


@pytest.mark.real
def test_along_a_course_the_answers_are_those_of_each_moment(
    opioids: Asked, marks: Landmarks, model: FittedModel
) -> None:
    along = predict_along(model, opioids.study, opioids.task, opioids.specs, MOMENTS)
    horizons = np.array(opioids.task.condition.at_risk.horizons)
    for day, one in zip(DAYS, marks.sets, strict=True):
        expected = predict(model, one.features, horizons)
        found = [
            [list(answer.survival.values()) for answer in along[course] if answer.day == day]
            for course in one.courses["course_id"]
        ]
        np.testing.assert_array_equal(np.array(found)[:, 0], expected)


@pytest.mark.real
def test_what_lies_ahead_changes_no_answer(opioids: Asked, model: FittedModel) -> None:
    whole = predict_along(model, opioids.study, opioids.task, opioids.specs, MOMENTS)
    still_on = predict_along(
        model, cut_short(opioids.study, 30.0), opioids.task, opioids.specs, MOMENTS
    )
    until = {
        course: tuple(one for one in answers if one.day <= 30) for course, answers in whole.items()
    }
    assert still_on == {course: answers for course, answers in until.items() if answers}


@pytest.mark.real
def test_nobody_waits_after_the_period_at_risk(opioids: Asked) -> None:
    over = Moment(day=opioids.task.condition.at_risk.days)
    with pytest.raises(RefusedError, match="no course was at risk at any of these moments"):
        opioids.at((over,))


def test_the_clock_runs_for_those_who_responded_only(depressed: Asked) -> None:
    closed = depressed.task.moment
    later = closed.model_copy(update={"day": closed.day + 60})
    marks = depressed.at((closed, later))
    model = marks.fit([HAZARD], folds=2, seed=1)
    along = predict_along(model, depressed.study, depressed.task, depressed.specs, (later, closed))
    asked = set().union(*(one.courses["course_id"] for one in marks.sets))
    assert asked <= set(along)
    assert len(along) < 0.8 * len(depressed.study.courses)
    assert all(answers[0].day >= 0 for answers in along.values())


def test_answers_come_in_the_order_of_their_days(drinkers: Asked) -> None:
    moments = after_each_dose(2)
    model = drinkers.at(moments).fit([HAZARD], folds=2, seed=1)
    along = predict_along(model, drinkers.study, drinkers.task, drinkers.specs, moments[::-1])
    days = [[one.day for one in answers] for answers in along.values()]
    assert days == [sorted(one) for one in days]
    assert max(map(len, days)) == len(moments)


def test_after_a_dose_only_those_are_asked_who_had_it(drinkers: Asked) -> None:
    sessions = drinkers.study.sessions
    doses = sessions[sessions["kind"] == "dosing"].groupby("course_id").size()
    assert (doses < 3).any()
    marks = drinkers.at(after_each_dose(3))
    for moment, one in zip(marks.moments[1:], marks.sets[1:], strict=True):
        assert (doses[one.courses["course_id"]] >= moment.dose).all()


def test_before_anybody_responded_there_is_nothing_to_ask(depressed: Asked) -> None:
    with pytest.raises(RefusedError, match="no course was at risk"):
        depressed.at((Moment(),))
