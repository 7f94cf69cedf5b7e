"""What can be entered for a condition, by all its models together, and a record so changed."""

from collections.abc import Mapping, Sequence
from typing import Any

from kappredict.cohort.records import Record
from kappredict.errors import UsageError
from kappredict.estimators.bundle import ModelBundle
from kappredict.explanation.inputs import inputs
from kappredict.explanation.what_if import Value, changed_record
from kappredict.serving.shelf import Shelf


def form_inputs(shelf: Shelf) -> dict[str, Any]:
    """Give what can be entered for each condition."""
    return {
        "conditions": [
            {
                "id": name,
                "label": models[0].bundle.recipe.condition.label,
                "primary": models[0].bundle.recipe.condition.primary.instrument,
                "baseline_days": -models[0].bundle.recipe.condition.baseline_in.start_day,
                "inputs": _of_all([one.bundle for one in models]),
            }
            for name, models in shelf.by_condition.items()
        ]
    }


def _of_all(bundles: Sequence[ModelBundle]) -> list[dict[str, Any]]:
    """Give the inputs of models together, a study's own columns last; used if any uses it."""
    each = [one for bundle in bundles for one in inputs(bundle)]
    used = {one.name for one in each if one.used}
    own = {
        column.name
        for bundle in bundles
        for columns in bundle.recipe.study.columns.values()
        for column in columns
    }
    found = sorted({one.name: one for one in each}.values(), key=lambda one: one.name in own)
    return [{**vars(one), "used": one.name in used} for one in found]


def changed_record_of(
    bundles: Sequence[ModelBundle], record: Record, changes: Mapping[str, Value]
) -> Record:
    """Change a record, each input by the first of its conditions' models that has it.

    Raises
    ------
    UsageError
        If none has; it names those of the last.
    """
    if not bundles:
        raise UsageError("no model for the record's condition")
    left, treated = dict(changes), record["course"]["condition"]
    for bundle in bundles:
        known = {one.name for one in inputs(bundle)}
        own = {name: left.pop(name) for name in list(left) if name in known}
        course = {**record["course"], "condition": bundle.recipe.condition.id}
        record = changed_record(bundle, {**record, "course": course}, own)
    record = changed_record(bundles[-1], record, left)
    return {**record, "course": {**record["course"], "condition": treated}}
