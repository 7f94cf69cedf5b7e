"""Lists of what is served: conditions, instruments, and models with a short card each."""

from typing import Any

from kappredict.serving.shelf import Shelf, Shelved

# The rest of a validation (how trust was measured) fills the report, not a list of models.
_SHOWN = ("n", "events", "headline", "schemes", "baselines", "warnings")


def conditions(shelf: Shelf) -> dict[str, Any]:
    """List the conditions, as the models define them."""
    return {
        "conditions": [
            {
                "id": name,
                "label": models[0].bundle.recipe.condition.label,
                "outcomes": [{"name": one.name, "definition": one.definition} for one in models],
                "definition": models[0].bundle.recipe.condition.model_dump(mode="json"),
            }
            for name, models in shelf.by_condition.items()
        ]
    }


def models(shelf: Shelf) -> dict[str, Any]:
    """List the models, with a short card and digests each."""
    return {"models": [model_facts(one) for one in shelf.models.values()]}


def instruments(shelf: Shelf) -> dict[str, Any]:
    """List the instruments, with items and ranges."""
    return {"instruments": [one.model_dump(mode="json") for one in shelf.instruments.values()]}


def model_facts(one: Shelved) -> dict[str, Any]:
    """Say of a model what its bundle knows: for the list of models and its short card."""
    recipe = one.bundle.recipe
    return {
        "name": one.name,
        "condition": recipe.condition.id,
        "outcome": recipe.outcome,
        "landmark": recipe.landmark,
        "version": one.version,
        "digest": one.digest,
        "definition": one.definition,
        "signed": one.signed,
        "synthetic": recipe.study.synthetic,
        "card": {
            "trained_on": recipe.provenance.trained_on,
            "study": recipe.study.label,
            "licence": recipe.study.licence,
            "courses": recipe.provenance.n,
            "events": recipe.provenance.events,
            "data_digest": recipe.provenance.data_digest,
            "base_rate": recipe.base_rate,
            "validation": {name: recipe.validation.get(name) for name in _SHOWN},
            "recalibration": recipe.recalibration and recipe.recalibration.model_dump(),
        },
    }
