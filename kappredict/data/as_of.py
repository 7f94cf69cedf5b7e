"""A study as it stood on a calendar day: what was not known by then is not in it.

A patient's day zero is the day of enrolment, so that a row's calendar day follows from
`enrolled_on`. What a landmark is for one course (`kappredict.data.history`), a date is for all.
"""

import numpy as np
import pandas as pd

from kappredict.data.study import Study
from kappredict.errors import DataError


def as_of(study: Study, date: pd.Timestamp) -> Study:
    """Give the study as it stood when a day began: rows known strictly before it.

    Courses that had not begun are not there, and the others were under observation until the day
    before, so that an outcome that was still open is not assessed. Patients whose enrolment date is
    unknown are left out.
    """
    today = _day_of(study, date)
    courses = _courses(study.courses, today)
    known = {
        "patients": study.patients[_of(study.patients, today) > 0],
        "courses": courses,
        "assessments": _before(study.assessments, today, "day"),
        "sessions": _sessions(study.sessions, courses, today),
        "history": _facts(study.history, today),
    }
    return Study.of(study.definition, known)


def began_on(study: Study) -> pd.Series:
    """Give the calendar moment of each course's index day, by course; NaT where not known."""
    enrolled = study.patients.set_index("patient_id")["enrolled_on"]
    courses = study.courses.set_index("course_id")
    return courses["patient_id"].map(enrolled) + pd.to_timedelta(courses["index_day"], unit="D")


def require_dates(study: Study) -> None:
    """Refuse a study without enrolment dates.

    Raises
    ------
    DataError
        If no patient has one.
    """
    if study.patients["enrolled_on"].isna().all():
        raise DataError("patients.enrolled_on is empty: without dates there is nothing to replay")


def _day_of(study: Study, date: pd.Timestamp) -> pd.Series:
    """Give what day a date is on each patient's own clock; NaN where that is not known."""
    enrolled = study.patients.set_index("patient_id")["enrolled_on"]
    return (date - enrolled).dt.total_seconds() / 86_400


def _of(rows: pd.DataFrame, today: pd.Series) -> pd.Series:
    # Of no rows, `map` gives what it was given: text.
    return rows["patient_id"].map(today).astype("float64")


def _before(rows: pd.DataFrame, today: pd.Series, day: str) -> pd.DataFrame:
    """Keep the rows known before today: a row's known day is the later of its two days."""
    days = rows[[day, "recorded_day"] if "recorded_day" in rows else [day]]
    # A fact with neither day lies long before; one of a patient without a date is left out.
    return rows[days.max(axis=1).fillna(-np.inf) < _of(rows, today)]


def _courses(courses: pd.DataFrame, today: pd.Series) -> pd.DataFrame:
    begun = _before(courses, today, "index_day")
    return begun.assign(last_day=np.fmin(begun["last_day"], _of(begun, today)))


def _sessions(sessions: pd.DataFrame, courses: pd.DataFrame, today: pd.Series) -> pd.DataFrame:
    """Keep the sessions held so far in courses that have begun."""
    owned = sessions.merge(courses[["course_id", "patient_id"]], on="course_id")
    return _before(owned, today, "day").drop(columns="patient_id")


def _facts(history: pd.DataFrame, today: pd.Series) -> pd.DataFrame:
    known = _before(history, today, "start_day")
    ended = known["end_day"] < _of(known, today)
    return known.assign(end_day=known["end_day"].where(ended))
