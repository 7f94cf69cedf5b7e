"""One patient's record as JSON, the shape that the service and batch scoring take, made a study."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from kappredict.config.catalogue import Catalogue, unknown
from kappredict.data.readers import RawTable, RawTables
from kappredict.data.study import Study
from kappredict.data.tables import TABLES, Table, column_kinds
from kappredict.data.validation import check
from kappredict.domain.studies import StudyDefinition
from kappredict.errors import DataError

# part of a record: (its table, whether the record has a list of it)
_PARTS = {
    "patient": ("patients", False),
    "course": ("courses", False),
    "assessments": ("assessments", True),
    "sessions": ("sessions", True),
    "history": ("history", True),
}
_MOST_SHOWN = 20


def study_from_records(
    records: Sequence[Mapping[str, Any]], definition: StudyDefinition, catalogue: Catalogue
) -> Study:
    """Make a study of patient records.

    A record mirrors the tables for one patient: `{"patient": {…}, "course": {…},
    "assessments": […], "sessions": […], "history": […]}`. Ids may be left out (the record's number
    is then both); in the lists they are never needed.

    Raises
    ------
    DataError
        If a field is unknown or has the wrong type, or the content breaks a rule of the tables;
        it names record and field, and no value.
    """
    problems = [
        f"record {number}, {problem}"
        for number, record in enumerate(records, start=1)
        for problem in _problems(record, definition)
    ]
    _refuse(problems)
    rows = {name: _rows(records, part) for part, (name, _) in _PARTS.items()}
    frames = {name: _frame(rows[name], TABLES[name], definition) for name in TABLES}
    parts = {name: part for part, (name, _) in _PARTS.items()}
    tables = {name: RawTable(parts[name], frame) for name, frame in frames.items()}
    checked = check(RawTables(definition, tables), catalogue)
    _refuse([str(problem) for problem in checked.problems])
    return checked.study


def _problems(record: Any, definition: StudyDefinition) -> Iterator[str]:
    """Check the shape of one record: known parts and fields, and the type of each value."""
    if not isinstance(record, Mapping):
        yield "must be an object with the parts " + ", ".join(_PARTS)
        return
    for name in record:
        if name not in _PARTS:
            yield f"part {unknown(str(name), _PARTS)}"
    if "course" not in record:
        yield "part 'course' is missing"
    for part, (name, is_list) in _PARTS.items():
        types = column_kinds(TABLES[name], definition)
        entries = record.get(part, [] if is_list else {})
        if not isinstance(entries, list if is_list else Mapping):
            yield f"{part}: must be {'a list' if is_list else 'an object'}"
            continue
        for place, entry in enumerate(entries if is_list else [entries], start=1):
            where = f"{part} {place}" if is_list else part
            yield from (f"{where}: {problem}" for problem in _wrong_fields(entry, types))


def _wrong_fields(entry: Any, types: Mapping[str, str]) -> Iterator[str]:
    if not isinstance(entry, Mapping):
        yield "must be an object"
        return
    for field, value in entry.items():
        if field not in types:
            yield f"field {unknown(str(field), types)}"
        elif value is not None and not _fits(value, types[field]):
            yield f"field '{field}' must be {_wanted(types[field])}"


def _fits(value: Any, kind: str) -> bool:
    match kind:
        case "number" | "whole":
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return is_number and math.isfinite(value)
        case "flag":
            return isinstance(value, bool) or (isinstance(value, int | float) and value in {0, 1})
        case "date":
            return isinstance(value, str) and _is_date(value)
        case _:
            return isinstance(value, str)


def _wanted(kind: str) -> str:
    words = {"flag": "true or false", "date": "a date as year-month-day", "id": "text"}
    return words.get(kind, "text" if kind == "text" else "a number")


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _rows(records: Sequence[Mapping[str, Any]], part: str) -> list[dict[str, Any]]:
    """Collect one part of all records, each entry with the ids of its patient and course."""
    name, is_list = _PARTS[part]
    rows: list[dict[str, Any]] = []
    for number, record in enumerate(records, start=1):
        ids = _ids(record, number)
        own = {field: ids[field] for field in ids if field in TABLES[name].names}
        entries = record.get(part, []) if is_list else [record.get(part, {})]
        rows += [{**entry, **own} for entry in entries]
    return rows


def _ids(record: Mapping[str, Any], number: int) -> dict[str, str]:
    course = record["course"]
    patient_id = record.get("patient", {}).get("patient_id") or course.get("patient_id")
    return {
        "patient_id": patient_id or str(number),
        "course_id": course.get("course_id") or str(number),
    }


def _frame(rows: list[dict[str, Any]], table: Table, definition: StudyDefinition) -> pd.DataFrame:
    """Make a frame of the rows; fields that no record gives are empty columns."""
    frame = pd.DataFrame(rows, columns=list(column_kinds(table, definition)), dtype="object")
    return frame.set_axis(pd.RangeIndex(1, len(frame) + 1), axis=0)


def _refuse(problems: list[str]) -> None:
    if not problems:
        return
    more = len(problems) - _MOST_SHOWN
    shown = "; ".join(problems[:_MOST_SHOWN]) + (f"; and {more:,} more" if more > 0 else "")
    raise DataError(f"patient records: {shown}")
