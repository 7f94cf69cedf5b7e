"""Courses of a study as the JSON records that a service is sent."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from kappredict.data.study import Study


def records_of(study: Study, courses: pd.DataFrame) -> list[Mapping[str, Any]]:
    """Write courses as the JSON records that a service is sent."""
    return [
        {
            "patient": _entries(study.patients, "patient_id", course.patient_id)[0],
            "course": _entries(study.courses, "course_id", course.course_id)[0],
            "assessments": _entries(study.assessments, "patient_id", course.patient_id),
            "sessions": _entries(study.sessions, "course_id", course.course_id),
            "history": _entries(study.history, "patient_id", course.patient_id),
        }
        for course in courses.itertuples()
    ]


def _entries(table: pd.DataFrame, key: str, value: object) -> list[dict[str, Any]]:
    rows = table[table[key] == value].to_dict("records")
    return [
        {
            name: one
            for name, one in row.items()
            if pd.notna(one) and not isinstance(one, pd.Timestamp)
        }
        for row in rows
    ]
