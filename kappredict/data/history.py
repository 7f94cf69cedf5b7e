"""The past of each course: the only thing that features may be built from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kappredict.data.study import Study


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

    courses: pd.DataFrame
    assessments: pd.DataFrame
    sessions: pd.DataFrame
    facts: pd.DataFrame

    def __post_init__(self) -> None:
        for name in ("assessments", "sessions", "facts"):
            known = getattr(self, name)["known_day"]
            if (known >= 0).any():
                raise ValueError(
                    f"{name}: {(known >= 0).sum()} rows known at or after the landmark"
                )

    @classmethod
    def cut(cls, study: Study, courses: pd.DataFrame) -> "History":
        """Cut a study at each course's landmark.

        Parameters
        ----------
        courses
            One row per course with `course_id`, `patient_id`, `index_day` and `landmark_day`, and
            the planned treatment, as `Cohort.courses` has them.
        """
        rows = courses.reset_index(drop=True)
        return cls(
            courses=rows.drop(columns="last_day", errors="ignore"),
            assessments=_before(study.assessments, rows, "patient_id", "day"),
            sessions=_before(study.sessions, rows, "course_id", "day"),
            facts=_before(study.history, rows, "patient_id", "start_day"),
        )


def _before(table: pd.DataFrame, courses: pd.DataFrame, by: str, day: str) -> pd.DataFrame:
    """Keep the rows known before the landmark, with days counted from it.

    A row's known day is the later of its day and the day it was recorded; a fact of history with
    neither lies long before. One patient's rows serve each of that patient's courses.
    """
    place, row = _match(table[by], courses[by])
    landmark = courses["landmark_day"].to_numpy()[row]
    happened = table[day].to_numpy()[place]
    known = happened
    if "recorded_day" in table.columns:
        known = np.fmax(happened, table["recorded_day"].to_numpy()[place])
    known = np.where(np.isnan(known), -np.inf, known - landmark)
    past = known < 0
    kept = table.take(place[past]).reset_index(drop=True)
    days = {"row": row[past], "known_day": known[past], day: (happened - landmark)[past]}
    if "end_day" in table.columns:
        # An end that lies ahead is not known yet: the fact is still going on.
        end = (table["end_day"].to_numpy()[place] - landmark)[past]
        days["end_day"] = np.where(end < 0, end, np.nan)
    return kept.assign(**days)


def _match(keys: pd.Series, wanted: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Pair every row of a table with the courses that share its key: (table place, course row)."""
    codes, names = pd.factorize(wanted)
    found = pd.Index(names).get_indexer(pd.Index(keys))
    table_place = np.flatnonzero(found >= 0)
    by_key = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[by_key], np.arange(len(names) + 1))
    each = np.diff(starts)[found[table_place]]
    place = np.repeat(table_place, each)
    within = np.arange(len(place)) - np.repeat(np.cumsum(each) - each, each)
    return place, by_key[starts[found[place]] + within]
