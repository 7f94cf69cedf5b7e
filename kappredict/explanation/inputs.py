"""What a model can be told of a patient: derived from its bundle alone, for forms and what-if."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from kappredict.domain.features import (
    ColumnFeature,
    FeatureSpec,
    HistoryFeature,
    ItemFeature,
    Kind,
    TotalFeature,
)
from kappredict.estimators.bundle import ModelBundle

Part = Literal["patient", "course", "assessments", "history"]
_PARTS: dict[str, Part] = {"patients": "patient", "courses": "course"}


@dataclass(frozen=True)
class Input:
    """One thing that can be entered, and where it stands in a patient record.

    `low` and `high` are the scale's own limits, else the training courses'; `levels` those of a
    category. `typical` is the training courses' median or commonest level. `used`: the model has a
    column for it; it may be entered all the same. `absent_is_none`: not entered counts as none.
    """

    name: str
    label: str
    kind: Kind
    part: Part
    group: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    levels: tuple[str, ...] = ()
    typical: float | str | None = None
    instrument: str = ""
    item: str = ""
    used: bool = True
    absent_is_none: bool = False


def inputs(bundle: ModelBundle) -> tuple[Input, ...]:
    """List what can be entered for a model, in the order of its features.

    An instrument is entered as its latest total or item by item; what is made from sessions held is
    not entered here.
    """
    found: dict[str, Input] = {}
    used = {column.feature for column in bundle.encoder.columns}
    for spec in bundle.recipe.specs:
        for one in _of(bundle, spec):
            found.setdefault(one.name, replace(one, used=spec.name in used))
    return tuple(found.values())


def _of(bundle: ModelBundle, spec: FeatureSpec) -> Iterator[Input]:
    typical = bundle.recipe.typical[spec.name]
    match spec.recipe:
        case ColumnFeature(table=table, column=column):
            levels = tuple(
                one.level
                for one in bundle.encoder.columns
                if one.feature == spec.name and one.level is not None
            )
            yield Input(
                name=column,
                label=spec.label,
                kind=spec.kind,
                part=_PARTS[table],
                group=spec.group,
                unit=spec.unit,
                low=typical.low,
                high=typical.high,
                levels=levels,
                typical=typical.median if typical.level is None else typical.level,
            )
        case TotalFeature(instrument=instrument, aggregate="last"):
            scale = bundle.recipe.instruments[instrument]
            yield Input(
                name=instrument,
                label=scale.short_name,
                kind="numeric",
                part="assessments",
                group=spec.group,
                unit=scale.unit,
                low=scale.total.low,
                high=scale.total.high,
                typical=typical.median,
                instrument=instrument,
            )
        case ItemFeature(instrument=instrument, item=item):
            ends = bundle.recipe.instruments[instrument].range_of(item)
            yield Input(
                name=f"{instrument}.{item}",
                label=spec.label,
                kind="numeric",
                part="assessments",
                group=spec.group,
                low=ends.low,
                high=ends.high,
                typical=typical.median,
                instrument=instrument,
                item=item,
            )
        case HistoryFeature(when_absent=when_absent):
            yield Input(
                name=spec.name,
                label=spec.label,
                kind=spec.kind,
                part="history",
                group=spec.group,
                unit=spec.unit,
                low=0.0,
                high=typical.high,
                typical=typical.median,
                absent_is_none=when_absent == "zero",
            )
