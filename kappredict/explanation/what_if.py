"""What the model would say if a fact were another: an association, not the effect of a change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kappredict.cohort.records import Record, record_history
from kappredict.domain.features import FeatureSpec, HistoryFeature
from kappredict.domain.prediction import Abstention, Prediction
from kappredict.errors import UsageError
from kappredict.estimators.bundle import ModelBundle
from kappredict.explanation.answer import answer_records
from kappredict.explanation.inputs import Input, inputs

NOTE = (
    "What the model says of patients who differ in this, not what changing it would do: an "
    "association in past patients."
)
# Entered values are known just before the prediction is made.
_JUST_BEFORE = 0.5
# Where a fact has no day of its own, one before any look-back window.
_LONG_AGO = -1000.0

Value = float | str | bool | None
Entry = dict[str, Any]


@dataclass(frozen=True)
class WhatIf:
    """The answer as it is, and as it would be with the changes."""

    before: Prediction | Abstention
    after: Prediction | Abstention
    note: str = NOTE


def what_if(bundle: ModelBundle, record: Record, changes: Mapping[str, Value]) -> WhatIf:
    """Answer a patient record as it is and with some inputs changed.

    Everything is computed anew from the changed record, by the same functions.

    Parameters
    ----------
    changes
        The name of an input (see `inputs`) → its new value; None for not known.

    Raises
    ------
    UsageError
        If the model has no such input; it names those it has.
    """
    changed = changed_record(bundle, record, changes)
    before, after = answer_records(bundle, [record, changed])
    return WhatIf(before, after)


def changed_record(bundle: ModelBundle, record: Record, changes: Mapping[str, Value]) -> Record:
    """Give the record with some inputs changed."""
    known = {one.name: one for one in inputs(bundle)}
    strange = sorted(set(changes) - set(known))
    if strange:
        raise UsageError(f"no input {', '.join(strange)}; inputs are: {', '.join(known)}")
    for name, value in changes.items():
        record = _changed(bundle, record, known[name], value)
    return record


def _changed(bundle: ModelBundle, record: Record, one: Input, value: Value) -> Record:
    match one.part:
        case "assessments":
            entries = _assessments(bundle, record, one, value)
            return {**record, "assessments": entries}
        case "history":
            spec = next(spec for spec in bundle.recipe.specs if spec.name == one.name)
            return {**record, "history": _facts(record, spec, value)}
        case part:
            return {**record, part: {**record.get(part, {}), one.name: value}}


def _assessments(
    bundle: ModelBundle, record: Record, one: Input, value: Value
) -> list[Mapping[str, Any]]:
    """Replace the latest score known before the landmark; take all scores away for not known."""
    landmark = _landmark(bundle, record)
    entries = list(record.get("assessments", ()))
    mine = [
        entry
        for entry in entries
        if entry["instrument"] == one.instrument and (entry.get("item") or "") == one.item
    ]
    if value is None:
        # Without its items, too: a total would be made of them.
        gone = {one.item} if one.item else {*bundle.recipe.instruments[one.instrument].item_ids, ""}
        return [
            entry
            for entry in entries
            if entry["instrument"] != one.instrument or (entry.get("item") or "") not in gone
        ]
    past = [entry for entry in mine if max(entry["day"], _recorded(entry)) < landmark]
    new: Entry = {"instrument": one.instrument, "day": landmark - _JUST_BEFORE, "value": value}
    if one.item:
        new["item"] = one.item
    if past:
        last = max(past, key=lambda entry: entry["day"])
        return [{**entry, "value": value} if entry is last else entry for entry in entries]
    return [*entries, new]


def _recorded(entry: Mapping[str, Any]) -> float:
    recorded = entry.get("recorded_day")
    return float(entry["day"] if recorded is None else recorded)


def _landmark(bundle: ModelBundle, record: Record) -> float:
    history = record_history(
        [record], bundle.task.moment, bundle.recipe.instruments, bundle.recipe.study
    )
    return float(history.courses.numbers["landmark_day"][0])


def _facts(record: Record, spec: FeatureSpec, value: Value) -> list[Mapping[str, Any]]:
    """Take the facts that a feature reads away, and put the new one in; 0 says asked, and no.

    What came of a medicine is a fact of its own: whoever is asked what is taken now keeps it, as
    of a medicine that was taken before.
    """
    recipe = spec.recipe
    assert isinstance(recipe, HistoryFeature)  # noqa: S101  # what an input of the history is
    facts = record.get("history", ())
    others = [entry for entry in facts if not _reads(recipe, entry)]
    if not recipe.outcomes:
        others += [_ended(one) for one in facts if _reads(recipe, one) and one.get("outcome")]
    if value is None:
        return others
    new: Entry = {"kind": recipe.kind, "code": recipe.codes[0].removesuffix("*")}
    if recipe.outcomes:
        new["outcome"] = recipe.outcomes[0]
    amount = float(value)
    if recipe.measure != "count" or not amount:
        return [*others, {**new, "value": amount}]
    return [*others, *(_ended({**new, "start_day": _LONG_AGO - n}) for n in range(int(amount)))]


def _reads(recipe: HistoryFeature, entry: Mapping[str, Any]) -> bool:
    return (
        entry["kind"] == recipe.kind
        and recipe.matches(entry["code"])
        and (not recipe.outcomes or entry.get("outcome") in recipe.outcomes)
    )


def _ended(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    start = entry.get("start_day")
    return {**entry, "end_day": _LONG_AGO if start is None else start}
