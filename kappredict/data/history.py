"""The past of each course: the only thing that features may be built from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kappredict.data.columns import Columns

if TYPE_CHECKING:
    import pandas as pd

    from kappredict.data.study import Study

_IDS = ["patient_id", "course_id"]
_NOT_PAST = [*_IDS, "last_day", "enrolled_on"]


@dataclass(frozen=True)
class History:
    """What was known of each course strictly before its landmark.

    Every table has `row`, the position of its course in `courses`, and its days count from the
    landmark, so all are negative. `courses` keeps what is fixed before the first dose; what is
    learnt only afterwards (`last_day`) is not in it. Build one with `History.cut`.

    Raises
    ------
    ValueError
        If a row was known on the landmark or later: there is no way to build such a history.
    """

    courses: Columns
    assessments: Columns
    sessions: Columns
    facts: Columns

    def __post_init__(self) -> None:
        for name in ("assessments", "sessions", "facts"):
            known = getattr(self, name).numbers["known_day"]
            if (known >= 0).any():
                raise ValueError(
                    f"{name}: {(known >= 0).sum()} rows known at or after the landmark"
                )

    def __len__(self) -> int:
        return len(self.courses.numbers["index_day"])

    @classmethod
    def cut(cls, study: Study, courses: pd.DataFrame) -> History:
        """Cut a study at each course's landmark.

        Parameters
        ----------
        courses
            One row per course with `course_id`, `patient_id`, `index_day` and `landmark_day`, and
            the planned treatment, as `Cohort.courses` has them.
        """
        landmark = courses["landmark_day"].to_numpy()
        assessments = _light(study.assessments, "patient_id", courses)
        sessions = _light(study.sessions, "course_id", courses)
        facts = _light(study.history, "patient_id", courses)
        return cls(
            Columns.of(courses.drop(columns=_NOT_PAST, errors="ignore")),
            past(assessments, landmark, "day"),
            past(sessions, landmark, "day"),
            past(facts, landmark, "start_day"),
        )


def past(table: Columns, landmark: np.ndarray, day: str) -> Columns:
    """Keep the rows known before the landmark, with days counted from it.

    A row's known day is the later of its day and the day it was recorded; a fact of history with
    neither lies long before.

    Parameters
    ----------
    table
        Rows with `row`, the course of each.
    landmark
        The day of each course's landmark.
    day
        The column that says when what a row describes happened.
    """
    numbers = table.numbers
    at = landmark[numbers["row"]]
    happened = numbers[day]
    known = np.fmax(happened, numbers["recorded_day"]) if "recorded_day" in numbers else happened
    known = np.where(np.isnan(known), -np.inf, known - at)
    kept = np.flatnonzero(known < 0)
    days = {"known_day": known[kept], day: (happened - at)[kept]}
    if "end_day" in numbers:
        # An end that lies ahead is not known yet: the fact is still going on.
        end = (numbers["end_day"] - at)[kept]
        days["end_day"] = np.where(end < 0, end, np.nan)
    return table.take(kept).with_numbers(**days)


def _light(table: pd.DataFrame, by: str, courses: pd.DataFrame) -> Columns:
    """Give the rows of a table that belong to some course, without whose they are.

    One patient's rows serve each of that patient's courses.
    """
    place, row = _match(table[by], courses[by])
    kept = table.drop(columns=_IDS, errors="ignore").take(place)
    return Columns.of(kept).with_numbers(row=row)


def _match(keys: pd.Series, wanted: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Pair every row of a table with the courses that share its key: (table place, course row)."""
    import pandas as pd

    codes, names = pd.factorize(wanted)
    found = pd.Index(names).get_indexer(pd.Index(keys))
    table_place = np.flatnonzero(found >= 0)
    by_key = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[by_key], np.arange(len(names) + 1))
    each = np.diff(starts)[found[table_place]]
    place = np.repeat(table_place, each)
    within = np.arange(len(place)) - np.repeat(np.cumsum(each) - each, each)
    return place, by_key[starts[found[place]] + within]
