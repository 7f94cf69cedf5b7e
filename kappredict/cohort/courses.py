"""Courses of a condition and the day of each course's landmark."""

from dataclasses import dataclass

import pandas as pd

from kappredict.cohort.attrition import Attrition
from kappredict.cohort.doses import dose_days
from kappredict.data.study import Study
from kappredict.domain.task import PredictionTask
from kappredict.domain.windows import Moment


@dataclass(frozen=True)
class Cohort:
    """The courses that a prediction can be made for, one row each, and who was left out.

    `courses` has the study's course columns and the patient's `site`, `sex`, `age` and
    `enrolled_on`, with `landmark_day` (days, on the patient's own clock); indexed 0 … n - 1.
    """

    task: PredictionTask
    courses: pd.DataFrame
    attrition: Attrition


def find_cohort(study: Study, task: PredictionTask) -> Cohort:
    """Find the task's courses and keep those under observation at the landmark.

    A course whose `last_day` is unknown counts as under observation.
    """
    everyone = study.courses
    attrition = Attrition.starting_with("courses in the study", len(everyone))
    treated = everyone[everyone["condition"] == task.condition.id]
    attrition = attrition.step(f"courses of {task.condition.label}", len(treated))
    dated = treated.assign(landmark_day=landmark_days(study.sessions, treated, task.moment))
    present = dated[~(dated["last_day"] < dated["landmark_day"])]
    attrition = attrition.step("under observation at the landmark", len(present))
    courses = present.merge(study.patients, on="patient_id", how="left", validate="many_to_one")
    return Cohort(task, courses, attrition)


def landmark_days(sessions: pd.DataFrame, courses: pd.DataFrame, moment: Moment) -> pd.Series:
    """Give the day of a moment for each course, on the patient's own clock."""
    return anchor_days(sessions, courses, moment.anchor, moment.dose) + moment.day


def anchor_days(
    sessions: pd.DataFrame, courses: pd.DataFrame, anchor: str, dose: int | None = None
) -> pd.Series:
    """Give the day of an anchor for each course: index day, n-th dose, or last dose.

    Maintenance is not a dose of the course. Where there are fewer doses than asked for, the last
    one counts; where there is none, the index day.
    """
    if anchor == "index_day":
        return courses["index_day"]
    doses = sessions[sessions["kind"] == "dosing"]
    row = pd.Index(courses["course_id"]).get_indexer(pd.Index(doses["course_id"]))
    mine = row >= 0
    days = dose_days(
        courses["index_day"].to_numpy(), row[mine], doses["day"].to_numpy()[mine], dose
    )
    return pd.Series(days, index=courses.index)
