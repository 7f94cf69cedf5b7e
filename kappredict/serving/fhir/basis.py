"""Which of the resources that were read an answer rests on."""

from kappredict.data.fhir.reading import Used
from kappredict.domain.features import (
    ColumnFeature,
    DeliveredFeature,
    FeatureSpec,
    HistoryFeature,
    ItemFeature,
    TotalFeature,
)
from kappredict.estimators.bundle import Recipe


def basis(used: tuple[Used, ...], recipe: Recipe, landmark_day: float) -> list[str]:
    """Name the resources that hold something a model reads, known before its landmark."""
    return list(
        dict.fromkeys(
            one.reference
            for one in used
            if one.reference
            and _known_day(one) < landmark_day
            and any(_reads(spec, one) for spec in recipe.specs)
        )
    )


def _known_day(one: Used) -> float:
    days = [one.entry.get(name) for name in ("day", "start_day", "recorded_day")]
    return max((day for day in days if day is not None), default=float("-inf"))


def _reads(spec: FeatureSpec, one: Used) -> bool:
    """Tell whether a feature is made of such an entry, whatever its value."""
    entry = one.entry
    match spec.recipe:
        case ColumnFeature(table=table, column=column):
            return table == one.table and column in entry
        case TotalFeature(instrument=instrument):
            return one.table == "assessments" and entry["instrument"] == instrument
        case ItemFeature(instrument=instrument, item=item):
            named = (entry.get("instrument"), entry.get("item"))
            return one.table == "assessments" and named == (instrument, item)
        case DeliveredFeature(kinds=kinds):
            return one.table == "sessions" and entry["kind"] in kinds
        case HistoryFeature(kind=kind) as feature:
            same_kind = one.table == "history" and entry["kind"] == kind
            return same_kind and feature.matches(entry["code"])
