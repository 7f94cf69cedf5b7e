"""The shelf: the bundles that are served, checked when they are put there, and swapped at once."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kappredict.config.wording import outcome_in_words
from kappredict.domain.conditions import LANDMARKS, Landmark
from kappredict.domain.instruments import Instrument
from kappredict.errors import BundleError
from kappredict.estimators.bundle import MANIFEST, ModelBundle, digest, load_bundle
from kappredict.serving.schemas import Strict, record_model

_log = logging.getLogger("kappredict")
SIGNATURE = ".sig"


@dataclass(frozen=True)
class Shelved:
    """A bundle that is served, with the digest of its manifest."""

    bundle: ModelBundle
    digest: str

    @property
    def name(self) -> str:
        """The task: condition/outcome/landmark."""
        return self.bundle.task.name

    @property
    def version(self) -> str:
        """The release of kappredict that trained it, and the first twelve digits of its digest."""
        return f"{self.bundle.recipe.provenance.version}+{self.digest[:12]}"

    @cached_property
    def definition(self) -> str:
        """What its outcome is, in a sentence."""
        recipe = self.bundle.recipe
        return outcome_in_words(recipe.condition, recipe.outcome, recipe.instruments)


@dataclass(frozen=True)
class Shelf:
    """All that is served at one moment; a request takes one shelf and keeps it to its end."""

    models: Mapping[str, Shelved] = field(default_factory=dict)

    @cached_property
    def bundles(self) -> list[ModelBundle]:
        """The bundles, in the order of their names."""
        return [one.bundle for one in self.models.values()]

    @cached_property
    def instruments(self) -> dict[str, Instrument]:
        """Every instrument that a bundle knows."""
        return {
            name: instrument
            for bundle in self.bundles
            for name, instrument in bundle.recipe.instruments.items()
        }

    @cached_property
    def record_type(self) -> type[Strict]:
        """The type of a patient record that these bundles take."""
        return record_model(self.bundles)

    @cached_property
    def by_condition(self) -> dict[str, list[Shelved]]:
        """The models of each condition, by outcome and in the order of the landmarks."""
        found: dict[str, list[Shelved]] = {}
        for one in sorted(self.models.values(), key=lambda one: _place(one.bundle)):
            found.setdefault(one.bundle.recipe.condition.id, []).append(one)
        return found


def load_shelf(
    folder: Path, key: Ed25519PublicKey | None = None, old: Shelf | None = None
) -> Shelf:
    """Load every bundle below a folder; what cannot be trusted is left out and said in the log.

    Parameters
    ----------
    key
        Every manifest must be signed with its private half, in `NAME.sig` beside the bundle.
    old
        The shelf until now. A bundle that is unchanged is not read again; where a bundle is now
        corrupt, half written or gone, the old one stays.
    """
    models = dict(old.models) if old else {}
    known = {one.digest: one for one in models.values()}
    for manifest in sorted(folder.glob(f"*/*/*/{MANIFEST}")):
        try:
            made = digest(manifest.parent)
            fresh = known.get(made) or load_signed(manifest.parent, key)
        except (BundleError, OSError) as error:
            _log.error("not served: %s", error)
            continue
        models[fresh.name] = fresh
    return Shelf(dict(sorted(models.items())))


def load_signed(folder: Path, key: Ed25519PublicKey | None) -> Shelved:
    """Load a bundle, and check its signature where a key is configured.

    Raises
    ------
    BundleError
        If it is incomplete or was changed, or is not signed with the key.
    """
    if key is not None:
        try:
            key.verify(signature_of(folder).read_bytes(), (folder / MANIFEST).read_bytes())
        except (OSError, InvalidSignature) as error:
            raise BundleError(f"{folder} is not signed with the configured key") from error
    return Shelved(load_bundle(folder), digest(folder))


def signature_of(folder: Path) -> Path:
    """Give where a bundle's signature lies: beside it, as the manifest names all inside."""
    return folder.with_name(folder.name + SIGNATURE)


def _place(bundle: ModelBundle) -> tuple[str, int]:
    landmark: Landmark = bundle.recipe.landmark
    return bundle.recipe.outcome, LANDMARKS.index(landmark)
