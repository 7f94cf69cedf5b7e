"""The visits of each course on one scale: what every outcome is judged on."""

import numpy as np
import pandas as pd

from kappredict.data.study import Study
from kappredict.domain.conditions import Visits
from kappredict.domain.windows import Window

COLUMNS = ["course_id", "day", "known_day", "score", "event"]


def visits_on(study: Study, courses: pd.DataFrame, instrument: str, item: str) -> pd.DataFrame:
    """Take each course's scores on one instrument (or one of its items).

    Days, and the days on which the rows were known, count from the course's index day.
    """
    rows = study.assessments
    on_scale = (rows["instrument"] == instrument) & (rows["item"].fillna("") == item)
    scores = rows[on_scale].merge(courses[["course_id", "patient_id", "index_day"]])
    known = scores[["day", "recorded_day"]].max(axis=1)
    return scores.assign(
        day=scores["day"] - scores["index_day"],
        known_day=known - scores["index_day"],
        score=scores["value"],
        event=_no_events(len(scores)),
    )[COLUMNS].sort_values(["course_id", "day"], ignore_index=True)


def events_of(study: Study, courses: pd.DataFrame) -> pd.DataFrame:
    """Take the dated events of each course's patient, as rows beside the visits."""
    rows = study.history[study.history["kind"] == "event"].dropna(subset=["start_day"])
    rows = rows[rows["value"] != 0].merge(courses[["course_id", "patient_id", "index_day"]])
    known = rows[["start_day", "recorded_day"]].max(axis=1)
    return rows.assign(
        day=rows["start_day"] - rows["index_day"],
        known_day=known - rows["index_day"],
        score=np.nan,
        event=rows["code"],
    )[COLUMNS].sort_values(["course_id", "day"], ignore_index=True)


def due_visits(
    visits: pd.DataFrame, courses: pd.DataFrame, start_day: pd.Series, plan: Visits, last: float
) -> pd.DataFrame:
    """Lay visits on the days they were due, and give a missed one its score.

    A due visit takes the worst score of the days since the one before, `(day - every_days, day]`.
    Visits are due from `start_day` to day `last`, and no longer than the course was observed.

    Parameters
    ----------
    start_day
        Day, counted from the index day, from which visits are due; one value per course.
    """
    observed = (courses["last_day"] - courses["index_day"]).fillna(np.inf).clip(upper=last)
    due = ((observed - start_day) // plan.every_days).fillna(0).clip(lower=0)
    number = due.to_numpy(dtype=int)
    course = np.repeat(courses["course_id"].to_numpy(), number)
    start = np.repeat(start_day.to_numpy(), number)
    order = np.arange(len(course)) - np.repeat(np.cumsum(number) - number, number)
    planned = pd.DataFrame({"course_id": course, "visit": order})
    begun = of_course(start_day.set_axis(courses["course_id"]), visits)
    seen = visits.assign(visit=np.ceil((visits["day"] - begun) / plan.every_days) - 1)
    worst = seen.groupby(["course_id", "visit"])["score"].max()
    laid = planned.join(worst, on=["course_id", "visit"])
    missed = np.nan if plan.missed_score is None else plan.missed_score
    end = start + (order + 1) * plan.every_days
    laid = laid.assign(score=laid["score"].fillna(missed), day=end, known_day=end)
    laid = laid.assign(event=_no_events(len(laid)))[COLUMNS]
    return laid.sort_values(["course_id", "day"], ignore_index=True)


def baseline_scores(visits: pd.DataFrame, window: Window) -> pd.Series:
    """Take each course's last score strictly before its index day, inside the window."""
    before = visits[(visits["known_day"] < 0) & window.contains(visits["day"])]
    return before.dropna(subset=["score"]).groupby("course_id")["score"].last()


def of_course(values: pd.Series, rows: pd.DataFrame) -> np.ndarray:
    """Give, for each row, the value of its course (float64; NaN where there is none)."""
    return values.reindex(rows["course_id"]).to_numpy(dtype="float64")


def _no_events(number: int) -> pd.Series:
    return pd.Series(pd.NA, index=range(number), dtype="str")
