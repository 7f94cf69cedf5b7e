"""Models by name: a bundle folder, or a registered model."""

from pathlib import Path

from kappredict.estimators.bundle import ModelBundle, load_bundle
from kappredict.tracking.store import Store


def open_model(model: str, store: Store) -> ModelBundle:
    """Open a bundle folder, or a registered model by its name."""
    folder = Path(model)
    return load_bundle(folder) if folder.is_dir() else store.bundle(model)
