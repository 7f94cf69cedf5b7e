"""Models by name: a bundle folder, a folder of bundles, or a registered model."""

from collections.abc import Sequence
from pathlib import Path

from kappredict.estimators.bundle import MANIFEST, ModelBundle, load_bundle
from kappredict.reporting.findings import Findings
from kappredict.tracking.store import Store


def open_model(model: str, store: Store) -> ModelBundle:
    """Open a bundle folder, or a registered model by its name."""
    return load_bundle(bundle_folder(model, store))


def bundle_folder(model: str, store: Store) -> Path:
    """Give the folder of a bundle, or of a registered model by its name."""
    folder = Path(model)
    return folder if folder.is_dir() else store.bundle_folder(model)


def open_findings(models: Sequence[str], store: Store) -> list[Findings]:
    """Fetch what the trainings of some models found; a folder stands for all bundles in it."""
    bundles = [one for model in models for one in _bundles(model, store)]
    return [Findings.load(store.findings(one)) for one in bundles]


def _bundles(model: str, store: Store) -> list[Path]:
    folder = Path(model)
    if not folder.is_dir():
        return [store.bundle_folder(model)]
    return sorted(one.parent for one in folder.rglob(MANIFEST)) or [folder]
