"""The past of patient records, without a study in between: for the service, one patient at a time.

It gives what `study_from_records`, `with_totals`, `find_cohort` and `History.cut` give of the same
records, a hundred times sooner; what is computed of it is `build_features`, the one for all.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kappredict.cohort.doses import dose_days
from kappredict.data.columns import Columns, Words
from kappredict.data.history import History, past
from kappredict.data.tables import TABLES, column_kinds
from kappredict.domain.instruments import Instrument
from kappredict.domain.studies import StudyDefinition
from kappredict.domain.windows import Moment

Record = Mapping[str, Any]
Entry = Mapping[str, Any]
_NUMBERS = {"number", "whole", "flag"}
_AFTERWARDS = {"last_day", "enrolled_on"}
_IDS = {"patient_id", "course_id"}


def record_history(
    records: Sequence[Record],
    moment: Moment,
    instruments: Mapping[str, Instrument],
    definition: StudyDefinition,
) -> History:
    """Cut the past of patient records, as `study_from_records` takes them, at a moment.

    Parameters
    ----------
    records
        Checked records, one course each: what is wrong in them is not found here.
    instruments
        Those whose totals are made from items where a record has no total.
    definition
        The study whose further columns the records may have.
    """
    courses = _courses(records, definition)
    sessions = _rows(records, "sessions", definition)
    index_day = courses.numbers["index_day"]
    if moment.anchor == "index_day":
        at = index_day
    else:
        doses = sessions.take(np.flatnonzero(sessions.texts["kind"].are("dosing"))).numbers
        at = dose_days(index_day, doses["row"], doses["day"], moment.dose)
    landmark = at + moment.day
    scored = [_with_totals(one.get("assessments", ()), instruments) for one in records]
    return History(
        courses.with_numbers(landmark_day=landmark),
        past(_stacked(scored, "assessments", definition), landmark, "day"),
        past(sessions, landmark, "day"),
        past(_rows(records, "history", definition), landmark, "start_day"),
    )


def _courses(records: Sequence[Record], definition: StudyDefinition) -> Columns:
    """Give what is fixed before the first dose, of the course and of its patient."""
    course, patient = (
        _columns([one.get(part, {}) for one in records], name, definition, _IDS | _AFTERWARDS)
        for name, part in (("courses", "course"), ("patients", "patient"))
    )
    return Columns({**course.numbers, **patient.numbers}, {**course.texts, **patient.texts})


def _rows(records: Sequence[Record], name: str, definition: StudyDefinition) -> Columns:
    return _stacked([one.get(name, ()) for one in records], name, definition)


def _stacked(lists: Sequence[Sequence[Entry]], name: str, definition: StudyDefinition) -> Columns:
    """Put the records' lists of one table under one another, in the order of a study's tables."""
    key = [one for one in TABLES[name].key if one not in _IDS]
    ordered = [sorted(entries, key=lambda one: _place(one, key)) for entries in lists]
    row = np.repeat(np.arange(len(lists)), [len(entries) for entries in lists])
    every = [entry for entries in ordered for entry in entries]
    return _columns(every, name, definition, _IDS).with_numbers(row=row)


def _place(entry: Entry, key: Iterable[str]) -> tuple[tuple[bool, Any], ...]:
    """Say where an entry stands among its like: what is missing comes last."""
    values = (entry.get(name) for name in key)
    return tuple((value is None, 0 if value is None else value) for value in values)


def _columns(
    entries: Sequence[Entry], name: str, definition: StudyDefinition, leave_out: set[str]
) -> Columns:
    kinds = column_kinds(TABLES[name], definition)
    fields = {field: kind in _NUMBERS for field, kind in kinds.items() if field not in leave_out}
    return Columns(
        {field: _numbers(entries, field) for field, number in fields.items() if number},
        {field: _texts(entries, field) for field, number in fields.items() if not number},
    )


def _numbers(entries: Sequence[Entry], field: str) -> np.ndarray:
    # None becomes NaN on the way to float64.
    return np.array([one.get(field) for one in entries], dtype="float64")


def _texts(entries: Sequence[Entry], field: str) -> Words:
    return Words.of([one.get(field) or None for one in entries])


def _with_totals(
    assessments: Sequence[Entry], instruments: Mapping[str, Instrument]
) -> list[Entry]:
    """Add a total for every administration that has items and none of its own."""
    items: dict[tuple[str, float], list[Entry]] = defaultdict(list)
    totals = set()
    for one in assessments:
        administration = (one["instrument"], one["day"])
        if one.get("item"):
            items[administration].append(one)
        else:
            totals.add(administration)
    added = [
        total
        for (name, day), answered in items.items()
        if (name, day) not in totals and name in instruments
        for total in _total(instruments[name], day, answered)
    ]
    return [*assessments, *added]


def _total(instrument: Instrument, day: float, answered: Sequence[Entry]) -> list[Entry]:
    """Score one administration; the total is known when the last of its items is."""
    values = {one["item"]: one["value"] for one in answered}
    answers = np.array([[values.get(item) for item in instrument.item_ids]], dtype="float64")
    total = float(instrument.totals(answers)[0])
    if np.isnan(total):
        return []
    recorded = [one["recorded_day"] for one in answered if one.get("recorded_day") is not None]
    return [
        {
            "instrument": instrument.id,
            "day": day,
            "value": total,
            "recorded_day": max(recorded, default=None),
        }
    ]
