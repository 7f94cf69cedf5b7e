"""Predicting relapse anew as a course goes on: one model for every moment at which it is asked.

A landmark super-model (van Houwelingen and Putter 2012, chapter 7): each course enters once for
every moment at which it was still waiting, with its features as they stood strictly before, the
days since its clock started among them, and the wait that remained. A patient's rows stay together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from operator import attrgetter

import numpy as np
import pandas as pd

from kappredict.cohort.courses import find_cohort
from kappredict.data.history import History
from kappredict.data.study import Study
from kappredict.domain.conditions import Condition
from kappredict.domain.features import ColumnFeature, FeatureSpec
from kappredict.domain.task import PredictionTask
from kappredict.domain.windows import Moment
from kappredict.errors import RefusedError
from kappredict.estimators.candidates import Candidate
from kappredict.estimators.fit import FittedModel, Rows, fit_model, stack_rows
from kappredict.estimators.folds import patient_folds
from kappredict.evaluation.cross_validation import OutOfFold, predict, reported_days
from kappredict.evaluation.metrics_survival import SeenTimes, SurvivalPredictions
from kappredict.evaluation.modelling_set import ModellingSet, set_with_features
from kappredict.evaluation.question import Question
from kappredict.features.build import build_features
from kappredict.features.table import FeatureTable
from kappredict.outcomes.relapse import judge_relapse
from kappredict.outcomes.response import judge_response

_DAY = "day_of_prediction"
# Days: a visit due at the landmark itself is not known before it.
_INSTANT = 1e-6
_RECIPE = ColumnFeature(
    table="courses",
    column=_DAY,
    label="Day of the prediction",
    group="time since the clock of relapse started",
    kind="numeric",
    unit="days",
)
_SPEC = FeatureSpec(
    name=_DAY,
    label=_RECIPE.label,
    group=_RECIPE.group,
    kind=_RECIPE.kind,
    unit=_RECIPE.unit,
    recipe=_RECIPE,
)


@dataclass(frozen=True)
class Landmarks:
    """The modelling sets of a relapse task, one for each moment at which anybody still waited."""

    moments: tuple[Moment, ...]
    sets: tuple[ModellingSet, ...]

    @property
    def rows(self) -> Rows:
        """All courses at all moments, one below the other."""
        stacked = stack_rows([one.rows for one in self.sets])
        return replace(stacked, condition=np.zeros(len(stacked.target), dtype=int))

    def fit(self, candidates: Sequence[Candidate], *, folds: int, seed: int) -> FittedModel:
        """Fit one model for all moments."""
        return fit_model(self.rows, candidates, folds=folds, seed=seed)


@dataclass(frozen=True)
class Renewed:
    """What was predicted of a course at one moment.

    `day` counts from the start of its clock; `survival` gives, for each day counted from then, the
    probability of no relapse up to it.
    """

    day: float
    survival: dict[float, float]


def after_each_dose(most: int) -> tuple[Moment, ...]:
    """Give the index day, and the day after each of the first `most` doses."""
    later = (Moment(anchor="dose", dose=number, day=1.0) for number in range(1, most + 1))
    return (Moment(), *later)


def landmarks(
    study: Study, task: PredictionTask, specs: tuple[FeatureSpec, ...], moments: Sequence[Moment]
) -> Landmarks:
    """Build the modelling set of a relapse task at each of some moments.

    Raises
    ------
    RefusedError
        If nobody waited for a relapse at any of them.
    """
    sets = [_set_at(study, _moved(task, moment), specs) for moment in moments]
    kept = [number for number, one in enumerate(sets) if len(one.target)]
    if not kept:
        raise RefusedError(f"{task.name}: no course was at risk at any of these moments")
    return Landmarks(tuple(moments[one] for one in kept), tuple(sets[one] for one in kept))


def out_of_fold(
    marks: Landmarks, candidates: Sequence[Candidate], *, folds: int, inner: int, seed: int
) -> list[OutOfFold]:
    """Predict every course at every moment by a model that saw none of its patient's rows.

    Returns
    -------
    One `OutOfFold` for each moment, of that moment's courses.
    """
    rows, sizes = marks.rows, [len(one.target) for one in marks.sets]
    starts = [0, *accumulate(sizes)]
    found = [_empty(one) for one in marks.sets]
    for number, (train, test) in enumerate(
        patient_folds(rows.target.strata, rows.patients, folds, seed)
    ):
        model = fit_model(rows.take(train), candidates, folds=inner, seed=seed)
        for place, data in enumerate(marks.sets):
            mine = test[(test >= starts[place]) & (test < starts[place + 1])] - starts[place]
            predicted = predict(model, data.features.take(mine), found[place].days)
            found[place].predictions[0, mine] = predicted
            found[place].folds[0, mine] = number
    return found


def closing_question(
    data: ModellingSet, predicted: OutOfFold, rows: np.ndarray, day: float
) -> Question:
    """Ask who had relapsed by a day of the clock, the same day whenever the prediction was made.

    Parameters
    ----------
    rows
        Tested rows; those whose prediction was made on that day or later are left out.
    day
        Days from the start of the clock, at most the longest horizon.
    """
    made_on = data.features.frame[_DAY].to_numpy()
    rows = rows[made_on[rows] < day]
    made_on = made_on[rows]
    target = data.target.take(rows)
    times = SeenTimes.of(target.lower + made_on, target.upper + made_on, target.event)  # type: ignore[union-attr]  # relapse
    survival = _at_own_day(predicted.predictions[:, rows], predicted.days, day - made_on)
    by_then = SurvivalPredictions(
        survival[:, :, None], np.array([day]), predicted.folds[:, rows], (day,)
    )
    return Question.of_horizon(times, by_then, day, data.rows.patients[rows])


def predict_along(
    model: FittedModel,
    study: Study,
    task: PredictionTask,
    specs: tuple[FeatureSpec, ...],
    moments: Sequence[Moment],
) -> dict[str, tuple[Renewed, ...]]:
    """Predict each course anew at every moment that it reached and at which it still waited.

    Nothing but the past of each moment is read, and no outcome is asked for: this also answers for
    a course that is still going on. Its `last_day` says how far it got; where it is unknown the
    course counts as having reached every moment.

    Parameters
    ----------
    model
        Fitted by `Landmarks.fit`, on the same `specs`.

    Returns
    -------
    For each course, by its `course_id`, its predictions in order of the days they were made.
    """
    horizons = np.array(task.condition.at_risk.horizons)
    found: dict[str, list[Renewed]] = {}
    for moment in moments:
        courses = find_cohort(study, _moved(task, moment)).courses
        passed = _days_waited(study, courses, task.condition, moment)
        courses, passed = courses[~np.isnan(passed)], passed[~np.isnan(passed)]
        if courses.empty:
            continue
        features = _dated(build_features(History.cut(study, courses), specs), passed)
        survival = predict(model, features, horizons)
        for course, day, chances in zip(courses["course_id"], passed, survival, strict=True):
            chance = dict(zip(horizons.tolist(), chances.tolist(), strict=True))
            found.setdefault(course, []).append(Renewed(float(day), chance))
    return {course: tuple(sorted(one, key=attrgetter("day"))) for course, one in found.items()}


def _moved(task: PredictionTask, moment: Moment) -> PredictionTask:
    """Ask the same question at another moment."""
    moments = {**task.condition.landmarks, task.landmark: moment}
    return replace(task, condition=task.condition.model_copy(update={"landmarks": moments}))


def _set_at(study: Study, task: PredictionTask, specs: tuple[FeatureSpec, ...]) -> ModellingSet:
    """Build the modelling set of the courses that waited at the task's moment."""
    data = set_with_features(study, task, specs)
    waited = _days_waited(study, data.courses, task.condition, task.moment)
    # A later score may yet move the response on: the days to relapse then count from there.
    start, _ = _wait(study, data.courses, task.condition)
    rows = np.flatnonzero(~np.isnan(waited) & (start <= _since_index(data.courses)))
    return replace(
        data,
        courses=data.courses.iloc[rows].reset_index(drop=True),
        features=_dated(data.features.take(rows), waited[rows]),
        context=_dated(data.context.take(rows), waited[rows]),
        target=data.target.take(rows),
        attrition=data.attrition.step("waiting for a relapse at this moment", len(rows)),
    )


def _days_waited(
    study: Study, courses: pd.DataFrame, condition: Condition, moment: Moment
) -> np.ndarray:
    """Give the days from each clock's start to the moment; NaN where a course was not waiting.

    It was not if its clock had not started, if relapse or a competing event had ended the wait, if
    the at-risk period was over, or if it had fewer doses than the moment asks for. All of it as far
    as was known: which visit began a run of bad ones shows only when the run is complete.
    """
    known, alone = _as_known(study, courses)
    start, ended = _wait(known, alone, condition)
    waited = _since_index(courses) - start
    doses = known.sessions.loc[known.sessions["kind"] == "dosing", "course_id"].value_counts()
    enough = courses["course_id"].map(doses).fillna(0).to_numpy() >= (moment.dose or 0)
    waiting = (waited >= 0) & (waited < condition.at_risk.days) & ~ended & enough
    return np.where(waiting, waited, np.nan)


def _wait(
    study: Study, courses: pd.DataFrame, condition: Condition
) -> tuple[np.ndarray, np.ndarray]:
    """Give the day since the index day on which each clock started, and whether the wait ended.

    The day is NaN where the clock never started: no response, or none seen.
    """
    # Judged as if asked on the first day, so that a relapse is found whenever it was.
    at_index = courses.assign(landmark_day=courses["index_day"])
    response = judge_response(study, at_index, condition, "response")
    judged = judge_relapse(study, at_index, condition, response).judged
    ended = judged["event"].fillna(0).to_numpy() > 0
    start = judged["start_day"].to_numpy(dtype="float64")
    if condition.at_risk.clock_starts == "index_day":
        # A course without one score yet has no scale, but its clock runs.
        return np.nan_to_num(start), ended
    responded = response.judged["holds"].fillna(False).to_numpy(dtype=bool)
    return np.where(responded, start, np.nan), ended


def _as_known(study: Study, courses: pd.DataFrame) -> tuple[Study, pd.DataFrame]:
    """Give the study as it was just before each course's landmark, every course by itself.

    Days count from the landmark, and a course is its own patient: two courses of one patient do not
    share what was known.
    """
    past, own = History.cut(study, courses), courses["course_id"].to_numpy()
    tables = {"assessments": past.assessments, "sessions": past.sessions, "history": past.facts}
    known = {
        name: rows.frame.assign(
            patient_id=own[rows.numbers["row"]],
            course_id=own[rows.numbers["row"]],
            recorded_day=rows.numbers["known_day"],
        )
        for name, rows in tables.items()
    }
    alone = courses.assign(
        patient_id=courses["course_id"],
        index_day=courses["index_day"] - courses["landmark_day"],
        last_day=np.fmin(courses["last_day"] - courses["landmark_day"], -_INSTANT),
    )
    return Study.of(study.definition, known), alone


def _since_index(courses: pd.DataFrame) -> np.ndarray:
    return (courses["landmark_day"] - courses["index_day"]).to_numpy()


def _at_own_day(survival: np.ndarray, days: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Read each row's curve (repeats × rows × `days`) on a day of its own (repeats × rows)."""
    from_start = np.append(0.0, days)
    return np.array(
        [
            [
                np.interp(day, from_start, np.append(1.0, one))
                for day, one in zip(wanted, repeat, strict=True)
            ]
            for repeat in survival
        ]
    )


def _empty(data: ModellingSet) -> OutOfFold:
    n = len(data.target)
    days = reported_days(data.target, data.task.condition.at_risk.horizons)  # type: ignore[arg-type]  # relapse
    folds, spread = np.full((1, n), -1), np.full((1, n), np.nan)
    return OutOfFold(np.full((1, n, len(days)), np.nan), folds, days, spread, ())


def _dated(table: FeatureTable, days: np.ndarray) -> FeatureTable:
    """Put the day of the prediction among the features."""
    frame = pd.concat([table.frame, pd.Series(days, table.frame.index, name=_DAY)], axis=1)
    return FeatureTable(frame, (*table.specs, _SPEC))
