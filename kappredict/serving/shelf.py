"""The shelf: the bundles that are served, checked when they are put there, and swapped at once."""

import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kappredict.config.catalogue import read_terminology, shipped_configs
from kappredict.config.wording import outcome_in_words
from kappredict.data.fhir.elements import Definitions
from kappredict.domain.conditions import LANDMARKS, Landmark
from kappredict.domain.instruments import Instrument
from kappredict.errors import BundleError
from kappredict.estimators.bundle import (
    MANIFEST,
    ModelBundle,
    check_manifest,
    digest,
    load_bundle,
)
from kappredict.serving.schemas import Strict, record_model
from kappredict.serving.signatures import SUFFIX, check_signature

_log = logging.getLogger("kappredict")


@dataclass(frozen=True)
class Shelved:
    """A bundle that is served, with the digest of its manifest."""

    bundle: ModelBundle
    digest: str
    signed: bool

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
    refused: tuple[str, ...] = ()

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
    def definitions(self) -> Definitions:
        """What codes of other systems are looked up in: as the models were trained."""
        conditions = {
            name: models[0].bundle.recipe.condition for name, models in self.by_condition.items()
        }
        terminology = read_terminology([shipped_configs()])
        return Definitions.of(conditions, self.instruments, terminology)

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
    refused = []
    for manifest in sorted(folder.glob(f"*/*/*/{MANIFEST}")):
        try:
            fresh = _checked(manifest.parent, key, known)
        except Exception as error:  # whatever is wrong with it, the others are served
            said = error if isinstance(error, BundleError) else f"{manifest.parent}: {error!r}"
            _log.error("not served: %s", said)
            refused.append(str(manifest.parent.relative_to(folder)))
            continue
        models[fresh.name] = fresh
    return Shelf(dict(sorted(models.items())), tuple(refused))


def stamp_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Give what changes when a bundle, any file of one, or a signature does."""
    found = [*folder.glob("*/*/*/*"), *folder.glob(f"*/*/*{SUFFIX}")]
    stamps = []
    for path in found:
        with contextlib.suppress(FileNotFoundError):  # replaced at this very moment
            seen = path.stat()
            stamps.append((str(path), seen.st_mtime_ns, seen.st_ino))
    return tuple(sorted(stamps))


def _checked(folder: Path, key: Ed25519PublicKey | None, known: Mapping[str, Shelved]) -> Shelved:
    """Give a bundle whose files are those of one manifest, signed where that is asked for.

    Raises
    ------
    BundleError
        If it is incomplete, was changed or is just being replaced, or is not signed with the key.
    """
    made = digest(folder)
    if key is not None:
        check_signature(folder, key)
    if made in known:
        check_manifest(folder)
        return known[made]
    bundle = load_bundle(folder)
    if digest(folder) != made:
        raise BundleError(f"{folder} was replaced while it was read")
    return Shelved(bundle, made, signed=key is not None)


def _place(bundle: ModelBundle) -> tuple[str, int]:
    landmark: Landmark = bundle.recipe.landmark
    return bundle.recipe.outcome, LANDMARKS.index(landmark)
