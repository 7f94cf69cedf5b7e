"""A bundle: everything needed to answer a task, and to check that nothing in it was changed.

A folder of plain files: `bundle.json` (task, definitions, feature schema, calibration, training
ranges, validation summary), the model (coefficients in JSON or XGBoost's own format), and
`manifest.json` with a SHA-256 of each. Nothing in it runs code when it is loaded.
"""

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from kappredict.domain.conditions import Condition, Landmark, Outcome
from kappredict.domain.features import FeatureSpec, ItemFeature, TotalFeature
from kappredict.domain.instruments import Instrument
from kappredict.domain.studies import StudyDefinition
from kappredict.domain.task import PredictionTask
from kappredict.errors import BundleError
from kappredict.estimators.calibration import (
    Calibration,
    LogitCalibration,
    Way,
)
from kappredict.estimators.encoder import Encoder
from kappredict.estimators.hazard import HazardCalibration
from kappredict.estimators.limits import Limits
from kappredict.estimators.margins import Margin, load_margin
from kappredict.estimators.reference import Reference
from kappredict.features.table import FeatureTable

if TYPE_CHECKING:  # a bundle answers without what it was fitted with
    from kappredict.estimators.fit import FittedModel

FORMAT = 3
RECIPE, MANIFEST = "bundle.json", "manifest.json"


class Typical(BaseModel):
    """What the training rows held of one feature: range and median, or the commonest level."""

    model_config = ConfigDict(frozen=True)

    low: float | None = None
    high: float | None = None
    median: float | None = None
    level: str | None = None
    known: float = 0.0


class Provenance(BaseModel):
    """Where a bundle comes from: data, code, settings."""

    model_config = ConfigDict(frozen=True)

    version: str
    code: str
    data_digest: str
    trained_on: str
    settings: dict[str, Any]
    candidate: dict[str, Any]
    n: int
    events: int


class Recalibration(BaseModel):
    """How and where a bundle was recalibrated after training."""

    model_config = ConfigDict(frozen=True)

    way: Way
    study: str
    data_digest: str
    n: int
    events: int


class Recipe(BaseModel):
    """The content of `bundle.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    condition: Condition
    outcome: Outcome
    landmark: Landmark
    study: StudyDefinition
    instruments: dict[str, Instrument]
    specs: tuple[FeatureSpec, ...]
    columns: list[dict[str, Any]]
    calibration: dict[str, Any]
    typical: dict[str, Typical]
    reference: Reference
    base_rate: dict[str, float]
    validation: dict[str, Any]
    provenance: Provenance
    recalibration: Recalibration | None = None


@dataclass(frozen=True)
class ModelBundle:
    """A loaded bundle."""

    recipe: Recipe
    encoder: Encoder
    margin: Margin
    calibration: Calibration
    limits: Limits

    @cached_property
    def task(self) -> PredictionTask:
        """The task it answers, with the definitions it was trained with."""
        return PredictionTask(self.recipe.condition, self.recipe.outcome, self.recipe.landmark)

    @cached_property
    def shares_features_with(self) -> str:
        """A digest of all that its features are made of: bundles with the same one share them."""
        recipe = self.recipe
        parts = (recipe.landmark, recipe.condition.landmarks, recipe.specs, recipe.study)
        content = [repr(one) for one in (*parts, sorted(recipe.instruments.items()))]
        return hashlib.sha256("\n".join(content).encode()).hexdigest()

    @cached_property
    def ideas(self) -> tuple[tuple[str, ...], np.ndarray]:
        """The clinical ideas of its columns, and columns × ideas: 1 where a column belongs."""
        group = {spec.name: spec.group for spec in self.recipe.specs}
        of_column = [group[column.feature] for column in self.encoder.columns]
        groups = tuple(sorted(set(of_column)))
        belongs = np.array([[float(one == group) for group in groups] for one in of_column])
        return groups, belongs.reshape(len(of_column), len(groups))

    @cached_property
    def specs_by_idea(self) -> dict[str, tuple[FeatureSpec, ...]]:
        """Its features by clinical idea, in their order."""
        found: dict[str, list[FeatureSpec]] = {}
        for spec in self.recipe.specs:
            found.setdefault(spec.group, []).append(spec)
        return {group: tuple(specs) for group, specs in found.items()}

    @cached_property
    def told_by_idea(self) -> dict[str, tuple[FeatureSpec, ...]]:
        """The facts that each clinical idea is told by: an instrument's last total, if any."""
        return {group: _told(specs) for group, specs in self.specs_by_idea.items()}

    @cached_property
    def needed_specs(self) -> tuple[FeatureSpec, ...]:
        """The features that an answer needs: of its columns, and those its ideas are told by."""
        used = {column.feature for column in self.encoder.columns}
        told = {spec.name for specs in self.told_by_idea.values() for spec in specs}
        return tuple(spec for spec in self.recipe.specs if spec.name in used | told)

    @cached_property
    def used(self) -> "Used":
        """The features that its columns are made of, with what training knew of them."""
        first: dict[str, int] = {}
        for place, column in enumerate(self.encoder.columns):
            first.setdefault(column.feature, place)
        typical = [self.recipe.typical[name] for name in first]
        labels = {spec.name: spec.label for spec in self.recipe.specs}
        return Used(
            tuple(labels[name] for name in first),
            np.array(list(first.values()), dtype=np.intp),
            np.array([-np.inf if one.low is None else one.low for one in typical]),
            np.array([np.inf if one.high is None else one.high for one in typical]),
            np.array([one.known for one in typical]),
        )

    @property
    def horizons(self) -> np.ndarray:
        """The days that a relapse model reports; empty for the others."""
        return np.array(self.recipe.condition.at_risk.horizons if self.task.is_relapse else ())

    def margins(self, table: FeatureTable) -> np.ndarray:
        """Give each row's calibrated margin."""
        return self.calibration.margin(self.margin.values(self.encoder.transform(table)))

    def probabilities(self, table: FeatureTable) -> np.ndarray:
        """Give rows × 1 probabilities or, for relapse, rows × horizons of having had none."""
        return self.calibration.at(self.margins(table), self.horizons)

    def ask(self, table: FeatureTable) -> "Asked":
        """Say all there is to say of some rows, in one pass over them."""
        matrix = self.encoder.transform(table)
        shares = self.calibration.slope * self.margin.contributions(matrix)
        shares[:, -1] += self.calibration.intercept
        margins = shares.sum(axis=1)
        ends = self.limits.bounds(margins, matrix)
        # Asked at once: of one row, a call costs more than its sums.
        chances = self.calibration.at(np.concatenate([margins, *ends]), self.horizons)
        probabilities, low, high = chances.reshape(3, len(matrix), -1)
        return Asked(
            matrix=matrix,
            probabilities=probabilities,
            low=low,
            high=high,
            shares=shares[:, :-1],
            expected=shares[:, -1],
        )

    def objections(self, asked: "Asked") -> list[str]:
        """Say for each row why there should be no prediction; empty where there may be one."""
        return self.limits.objections(asked.matrix)

    def recalibrated(self, calibration: Calibration, note: Recalibration) -> "ModelBundle":
        """Give the same model with another calibration, saying where that comes from.

        Uncertainty grows and shrinks with the slope.
        """
        factor = calibration.slope / self.calibration.slope if self.calibration.slope else 1.0
        recipe = self.recipe.model_copy(
            update={"calibration": calibration.to_json(), "recalibration": note}
        )
        limits = replace(self.limits, uncertainty=self.limits.uncertainty.scaled(factor))
        return ModelBundle(recipe, self.encoder, self.margin, calibration, limits)

    def save(self, folder: Path) -> None:
        """Write the bundle; the folder is the old one or the new one, and never half of either."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as name:
            draft = Path(name) / "bundle"
            draft.mkdir()
            recipe = self.recipe.model_dump_json(indent=1)
            (draft / RECIPE).write_text(recipe, encoding="utf-8")
            self.margin.save(draft)
            self.limits.save(draft)
            manifest = {path.name: _sha256(path) for path in sorted(draft.iterdir())}
            (draft / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
            if folder.exists():
                folder.rename(Path(name) / "old")
            draft.rename(folder)


@dataclass(frozen=True)
class Asked:
    """What a bundle says of rows: `matrix` are their columns.

    `probabilities` with the ends of their intervals, `low` and `high`, are rows × 1 or rows ×
    horizons. `shares` are rows × columns of the calibrated margin; with `expected` (by row) they
    add up to it.
    """

    matrix: np.ndarray
    probabilities: np.ndarray
    low: np.ndarray
    high: np.ndarray
    shares: np.ndarray
    expected: np.ndarray


@dataclass(frozen=True)
class Used:
    """Features that a bundle uses: labels, and the (first) column that each has in the matrix.

    `low` and `high` are the ends of the values in training (infinite for a category), `known` the
    share of training rows in which each was.
    """

    labels: tuple[str, ...]
    columns: np.ndarray
    low: np.ndarray
    high: np.ndarray
    known: np.ndarray


def make_bundle(model: "FittedModel", limits: Limits, recipe: Recipe) -> ModelBundle:
    """Join a fitted model with its limits and its recipe."""
    return ModelBundle(recipe, model.encoder, model.margin, model.calibration, limits)


def load_bundle(folder: Path) -> ModelBundle:
    """Load a bundle and check every file of it against the manifest.

    Raises
    ------
    BundleError
        If a file is missing, added or changed, or the format is not this version's.
    """
    check_manifest(folder)
    try:
        recipe = Recipe.model_validate_json((folder / RECIPE).read_text(encoding="utf-8"))
    except ValidationError as error:
        raise BundleError(f"{folder / RECIPE}: {error.error_count()} fields are wrong") from error
    if recipe.format != FORMAT:
        raise BundleError(f"{folder}: format {recipe.format}; this version reads format {FORMAT}")
    kind = HazardCalibration if recipe.outcome == "relapse" else LogitCalibration
    return ModelBundle(
        recipe,
        Encoder.from_json(recipe.columns),
        load_margin(folder),
        kind.from_json(recipe.calibration),
        Limits.load(folder),
    )


def check_manifest(folder: Path) -> None:
    """Compare every file of a bundle with the manifest.

    Raises
    ------
    BundleError
        Naming the first file that is missing, was added or was changed.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(f"{folder} is no bundle: {MANIFEST} cannot be read") from error
    present = {path.name for path in folder.iterdir()} - {MANIFEST}
    if present != set(manifest):
        odd = sorted(present ^ set(manifest))
        raise BundleError(f"{folder}: files missing or added: {', '.join(odd)}")
    for name, digest in manifest.items():
        if _sha256(folder / name) != digest:
            raise BundleError(f"{folder / name} was changed after the bundle was made")


def digest(folder: Path) -> str:
    """Give the digest of a bundle: the SHA-256 of its manifest."""
    return _sha256(folder / MANIFEST)


def typical_values(table: FeatureTable) -> dict[str, Typical]:
    """Summarise each feature of the training rows."""
    found = {}
    for spec in table.specs:
        values = table.frame[spec.name].dropna()
        known = len(values) / max(len(table.frame), 1)
        if not len(values):
            found[spec.name] = Typical()
        elif spec.kind == "category":
            found[spec.name] = Typical(level=str(values.mode().iloc[0]), known=known)
        else:
            low, median, high = values.quantile([0.0, 0.5, 1.0])
            found[spec.name] = Typical(low=low, median=median, high=high, known=known)
    return found


def _told(specs: Sequence[FeatureSpec]) -> tuple[FeatureSpec, ...]:
    totals = [
        spec
        for spec in specs
        if isinstance(spec.recipe, TotalFeature) and spec.recipe.aggregate == "last"
    ]
    facts = [spec for spec in specs if not isinstance(spec.recipe, TotalFeature | ItemFeature)]
    return tuple(totals or facts or specs)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
