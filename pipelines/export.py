"""Export: a registered model's bundle into a folder."""

from pathlib import Path

from kappredict.tracking.store import Store
from pipelines.models import open_model


def export(model: str, out: Path, store: Store) -> Path:
    """Write a bundle to `out/condition/outcome/landmark`; its manifest is checked on the way."""
    bundle = open_model(model, store)
    folder = out / bundle.task.name
    bundle.save(folder)
    return folder
