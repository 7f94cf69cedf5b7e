"""A stream: the courses that a model was asked about, by date, and what came of them.

It is made of served predictions, which outcomes join later by pseudonym, or of a study alone, which
the model then answers as if at each landmark. An outcome counts once its window is over, not as
soon as it is known: a no may be settled early, a yes may not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.errors import DataError
from kappredict.estimators.bundle import ModelBundle
from kappredict.evaluation.external import Asked, asked_about
from kappredict.evaluation.modelling_set import ModellingSet, set_with_features
from kappredict.features.table import FeatureTable
from kappredict.monitoring.validated import Validated
from kappredict.outcomes.response import assessment_opens

_UNDATED = np.datetime64("NaT", "D")


@dataclass(frozen=True)
class Pseudonyms:
    """What stands for a patient and for a course, given the id of either."""

    of_patient: Callable[[str], str]
    of_course: Callable[[str], str]


@dataclass(frozen=True)
class Outcomes:
    """What came of courses: `due` is the date on which each outcome's window is over.

    `recorded_to` is the last date that the study tells of; what was due later is waited for.
    """

    asked: Asked
    due: np.ndarray
    recorded_to: np.datetime64

    @property
    def sites(self) -> np.ndarray:
        """The site of each course."""
        return self.asked.data.rows.sites

    def take(self, rows: np.ndarray) -> "Outcomes":
        """Give some of the courses."""
        return Outcomes(self.asked.take(rows), self.due[rows], self.recorded_to)


@dataclass(frozen=True)
class Stream:
    """Courses in the order of `date` (days; NaT throughout where no date is known).

    `probability` is NaN where the model abstained. `unmatched` counts served predictions whose
    course the study does not have. A study's stream ends on its `last` day; NaT if it goes on.
    """

    bundle: ModelBundle
    date: np.ndarray
    features: FeatureTable
    probability: np.ndarray
    outcomes: Outcomes | None
    unmatched: int = 0
    last: np.datetime64 = _UNDATED

    @property
    def dated(self) -> bool:
        """Whether months can be told apart."""
        return bool(not np.isnat(self.date).any())


def stream_of_study(bundle: ModelBundle, study: Study) -> Stream:
    """Ask a model about every course of a study.

    Raises
    ------
    DataError
        If the study has no course that the model can be asked about.
    """
    data, due_day = _set_and_due(bundle, study)
    if not len(data.target):
        raise DataError(f"{bundle.task.name}: the study has no course to monitor the model on")
    zero, recorded_to = _calendar(study, data)
    at = _later(zero, data.courses["landmark_day"].to_numpy())
    asked = asked_about(bundle, data)
    order = np.argsort(at, kind="stable")
    due = _later(zero, due_day)
    return Stream(
        bundle,
        at[order],
        data.features.take(order),
        bundle.probabilities(data.features)[order, -1],
        Outcomes(asked, due, recorded_to).take(np.argsort(due, kind="stable")),
        last=recorded_to,
    )


def stream_of_predictions(
    bundle: ModelBundle,
    served: pd.DataFrame,
    study: Study | None,
    named: Pseudonyms,
) -> Stream:
    """Lay served predictions out by date, and join what came of them.

    Parameters
    ----------
    served
        A row per served prediction of this model, oldest first: at (date), course, patient
        (pseudonyms), landmark_day, probability, survival and features (by name).
    study
        Where outcomes come from.
    named
        How the service made pseudonyms.
    """
    latest = _latest(served)
    frame = pd.DataFrame(
        {spec.name: _column(latest, spec.name, spec.kind) for spec in bundle.recipe.specs}
    )
    outcomes, unmatched = None, 0
    if study is not None:
        outcomes, matched = _joined(bundle, latest, study, named)
        unmatched = len(latest) - matched
    return Stream(
        bundle,
        latest["at"].to_numpy().astype("datetime64[D]"),
        FeatureTable(frame, bundle.recipe.specs),
        latest["probability"].to_numpy(dtype="float64"),
        outcomes,
        unmatched,
    )


def _latest(served: pd.DataFrame) -> pd.DataFrame:
    """Keep the last answer to each course; without any id each counts by itself."""
    anonymous = served["course"].eq("") & served["patient"].eq("")
    who = served["course"].where(served["course"].ne(""), served["patient"])
    who = who.mask(anonymous, served.index.to_series().map("row {}".format))
    return served[~who.duplicated(keep="last")].reset_index(drop=True)


def _column(served: pd.DataFrame, name: str, kind: str) -> pd.Series:
    values = pd.Series([one.get(name) for one in served["features"]], dtype="object")
    return values.astype("str" if kind == "category" else "float64").where(values.notna())


def _joined(
    bundle: ModelBundle,
    served: pd.DataFrame,
    study: Study,
    named: Pseudonyms,
) -> tuple[Outcomes | None, int]:
    """Find the course of each prediction, and let its outcome be judged with what was served."""
    data, due_day = _set_and_due(bundle, study)
    place = _places(data.courses, named)
    who = served["course"].where(served["course"].ne(""), served["patient"])
    found = [place.get(one, -1) for one in who]
    row = np.where(served["probability"].notna(), found, -1)
    joined = np.flatnonzero(row >= 0)
    if not joined.size:
        return None, int((np.array(found) >= 0).sum())
    rows, said = row[joined], served.iloc[joined]
    asked = asked_about(bundle, data).take(rows)
    asked = replace(asked, predicted=replace(asked.predicted, **_served(bundle, said)))
    day = data.courses["landmark_day"].to_numpy()[rows]
    due = _later(said["at"].to_numpy().astype("datetime64[D]"), due_day[rows] - day)
    _, recorded_to = _calendar(study, data)
    outcomes = Outcomes(asked, due, recorded_to)
    return outcomes.take(np.argsort(due, kind="stable")), int((np.array(found) >= 0).sum())


def _places(courses: pd.DataFrame, named: Pseudonyms) -> dict[str, int]:
    """Give the row of each course by its pseudonym, and by its patient's if it is the only one."""
    single = courses[~courses["patient_id"].duplicated(keep=False)]
    by_patient = zip(single.index.tolist(), single["patient_id"], strict=True)
    by_course = zip(courses.index.tolist(), courses["course_id"], strict=True)
    return {named.of_patient(one): row for row, one in by_patient} | {
        named.of_course(one): row for row, one in by_course
    }


def _served(bundle: ModelBundle, said: pd.DataFrame) -> Mapping[str, Any]:
    """Give what was served the way predictions are judged."""
    days = bundle.horizons
    if not days.size:
        return {"predictions": said["probability"].to_numpy(dtype="float64")[None]}
    curves = np.array([[one[f"{day:g}"] for day in days] for one in said["survival"]])
    return {"predictions": curves[None], "days": days}


def _set_and_due(bundle: ModelBundle, study: Study) -> tuple[ModellingSet, np.ndarray]:
    """Judge a study, and say on which of the patient's days each outcome is due."""
    study = with_totals(study, bundle.recipe.instruments)
    task = bundle.task
    data = set_with_features(study, task, bundle.recipe.specs)
    outcome = "response" if task.is_relapse else task.outcome
    window = task.condition.window_of(outcome)
    opens = assessment_opens(study, data.courses, task.condition, outcome).to_numpy()
    closes = opens + window.end_day - window.start_day
    if not task.is_relapse:
        return data, closes
    start = data.courses["landmark_day"].to_numpy()
    if task.condition.at_risk.clock_starts == "response":
        start = np.fmax(start, closes)
    return data, start + float(Validated.of(bundle.recipe).question.removeprefix("day "))


def _calendar(study: Study, data: ModellingSet) -> tuple[np.ndarray, np.datetime64]:
    """Give the date of each course's day zero, and the last date on which anybody was observed."""
    courses = study.courses.merge(study.patients, on="patient_id", how="left")
    last = courses["enrolled_on"] + pd.to_timedelta(courses["last_day"], unit="D")
    to = _UNDATED if last.isna().all() else np.datetime64(last.max().date())
    return data.courses["enrolled_on"].to_numpy().astype("datetime64[D]"), to


def _later(zero: np.ndarray, days: np.ndarray) -> np.ndarray:
    return zero + np.ceil(np.nan_to_num(days)).astype("timedelta64[D]")
