"""What the service takes: patient records, typed from the tables' declarations and the bundles."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from kappredict.data.tables import TABLES, Column
from kappredict.domain.instruments import Instrument
from kappredict.domain.studies import ExtraColumn
from kappredict.estimators.bundle import ModelBundle
from kappredict.serving.problems import Fault

MOST_RECORDS = 1000
_MOST_ENTRIES = 5000
_LONGEST_TEXT = 200

Text = Annotated[str, Field(max_length=_LONGEST_TEXT)]
# Wide enough for any day and amount; what lies beyond overflows in a model.
Number = Annotated[float, Field(ge=-1e6, le=1e6)]
_TYPES: dict[str, Any] = {
    "id": Text,
    "text": Text,
    "number": Number,
    "whole": Annotated[int, Field(ge=-1_000_000, le=1_000_000)],
    "date": date,
    "numeric": Number,
    "category": Text,
    "flag": bool | Literal[0, 1],
}
# table: (earlier column, later column, what is wrong where they are the other way round)
_ORDERED_DAYS = {
    "assessments": (("day", "recorded_day", "lies before the day it describes"),),
    "history": (
        ("start_day", "recorded_day", "lies before the day it describes"),
        ("start_day", "end_day", "lies before the start"),
    ),
}
_LISTS = ("assessments", "sessions", "history")
_REPEATED = {"assessments": ("day", "instrument", "item"), "sessions": ("day", "kind")}


class Strict(BaseModel):
    """A part of a request: nothing unknown, nothing converted, no value in an error."""

    model_config = ConfigDict(
        strict=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False, frozen=True
    )


def record_model(bundles: Sequence[ModelBundle]) -> type[Strict]:
    """Make the type of a patient record: the tables' columns, and the studies' further ones.

    A course may name several conditions; each gets an answer of its own.
    """
    conditions = tuple(dict.fromkeys(one.recipe.condition.id for one in bundles))
    treated: Any = Literal[conditions]
    parts = {
        name: _made(f"{name.capitalize()}Entry", _fields(name, _further(name, bundles)))
        for name in TABLES
    }
    several = Annotated[list[treated], Field(min_length=1, max_length=len(conditions))]
    course = create_model(
        "CourseOfTreatment",
        __base__=parts["courses"],
        condition=(
            treated | several,
            Field(description="the condition treated, or several of them"),
        ),
    )
    entries: Any = Field(default_factory=list, max_length=_MOST_ENTRIES)
    fields: dict[str, Any] = {
        "patient": (parts["patients"], Field(default_factory=parts["patients"])),
        "course": (course, ...),
        **{name: (_list_of(parts[name]), entries) for name in _LISTS},
    }
    return _made("PatientRecord", fields)


def _list_of(part: type[Strict]) -> Any:
    return list[part]  # type: ignore[valid-type]  # known when the service starts


def _made(name: str, fields: dict[str, Any]) -> type[Strict]:
    return create_model(name, __base__=Strict, **fields)


def _further(table: str, bundles: Sequence[ModelBundle]) -> dict[str, ExtraColumn]:
    """Give the further columns that any of the bundles was trained with."""
    return {
        column.name: column
        for bundle in bundles
        for name, columns in bundle.recipe.study.columns.items()
        if name == table
        for column in columns
    }


def _fields(table: str, further: Mapping[str, ExtraColumn]) -> dict[str, Any]:
    declared = {column.name: _field(column) for column in TABLES[table].columns}
    extra = {
        name: (_TYPES[one.kind] | None, Field(default=None, description=_said(one.label, one.unit)))
        for name, one in further.items()
    }
    return declared | extra


def _field(column: Column) -> tuple[Any, Any]:
    kind: Any = Literal[column.levels] if column.levels else _TYPES[column.type]
    said = _said(column.meaning, column.unit)
    bounds = {"ge": column.at_least, "le": column.at_most}
    limits: dict[str, Any] = {name: one for name, one in bounds.items() if one is not None}
    if column.required and column.type != "id":
        return kind, Field(description=said, **limits)
    return kind | None, Field(default=None, description=said, **limits)


def _said(meaning: str, unit: str) -> str:
    return f"{meaning} ({unit})" if unit else meaning


def inconsistencies(
    record: Mapping[str, Any], instruments: Mapping[str, Instrument]
) -> Iterator[Fault]:
    """Find what no field alone can show: impossible scores, repetitions, days out of order.

    The rules are those of `kappredict.data.consistency`, for one record; no value is named.
    """
    yield from _impossible_scores(record["assessments"], instruments)
    for table, key in _REPEATED.items():
        yield from _repeated(table, record[table], key)
    for table, rules in _ORDERED_DAYS.items():
        yield from _out_of_order(table, record[table], rules)
    last = record["course"].get("last_day")
    if last is None:
        return
    if last < record["course"]["index_day"]:
        yield "/course/last_day", "lies before the index day"
    for table in _REPEATED:
        for place, entry in enumerate(record[table]):
            if entry["day"] > last:
                yield f"/{table}/{place}/day", "lies after the last day under observation"


def _impossible_scores(
    entries: Iterable[Mapping[str, Any]], instruments: Mapping[str, Instrument]
) -> Iterator[Fault]:
    for place, entry in enumerate(entries):
        instrument = instruments.get(entry["instrument"])
        if instrument is None:
            yield f"/assessments/{place}/instrument", _no(entry["instrument"], instruments)
            continue
        item = entry.get("item") or ""
        if item and item not in instrument.item_ids:
            yield f"/assessments/{place}/item", _no(item, instrument.item_ids)
            continue
        ends = instrument.range_of(item)
        if not ends.low <= entry["value"] <= ends.high:
            name = f"{instrument.id} {item}".strip()
            rule = f"lies outside the range of {name} ({ends.low:g} to {ends.high:g})"
            yield f"/assessments/{place}/value", rule


def _no(name: str, known: Iterable[str]) -> str:
    """Say that a name is not known, without it: it might be a patient's."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return "is unknown" + (f"; did you mean '{near[0]}'?" if near else "")


def _repeated(
    table: str, entries: Iterable[Mapping[str, Any]], key: tuple[str, ...]
) -> Iterator[Fault]:
    seen: dict[tuple[Any, ...], int] = {}
    for place, entry in enumerate(entries):
        first = seen.setdefault(tuple(entry.get(name) or "" for name in key), place)
        if first != place:
            yield f"/{table}/{place}", f"repeats entry {first} ({', '.join(key)} are the same)"


def _out_of_order(
    table: str, entries: Iterable[Mapping[str, Any]], rules: tuple[tuple[str, str, str], ...]
) -> Iterator[Fault]:
    for place, entry in enumerate(entries):
        for earlier, later, wrong in rules:
            first, second = entry.get(earlier), entry.get(later)
            if first is not None and second is not None and second < first:
                yield f"/{table}/{place}/{later}", wrong
