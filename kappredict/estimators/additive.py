"""Additive margins: each column adds what its own curve says, and nothing else.

A curve is a table of points that a clinician can read and JSON can hold; beyond the range of the
training rows it is flat, as a model that saw nobody there has nothing more to say.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Line:
    """Straight stretches between points (rising): `heights` at the points, flat beyond them."""

    points: np.ndarray
    heights: np.ndarray
    missing: float

    def at(self, column: np.ndarray) -> np.ndarray:
        """Give the height at each value."""
        heights = np.interp(column, self.points, self.heights)
        return np.where(np.isnan(column), self.missing, heights)


@dataclass(frozen=True)
class Steps:
    """Steps at points (rising): one more height than points; a point belongs to the step above."""

    points: np.ndarray
    heights: np.ndarray
    missing: float

    def at(self, column: np.ndarray) -> np.ndarray:
        """Give the height at each value."""
        heights = self.heights[np.searchsorted(self.points, column, side="right")]
        return np.where(np.isnan(column), self.missing, heights)


Curve = Line | Steps

_SHAPES: dict[str, type[Line | Steps]] = {"line": Line, "steps": Steps}
_NAMES = {kind: name for name, kind in _SHAPES.items()}


@dataclass(frozen=True)
class AdditiveMargin:
    """A curve per column, each of mean zero over the training rows, and the mean margin.

    A column's contribution is the height of its curve, which is its exact SHAP value for columns
    taken as independent (Lundberg & Lee 2017, corollary 1).
    """

    intercept: float
    curves: tuple[Curve, ...]

    FILE = "additive.json"

    @classmethod
    def centred(
        cls, intercept: float, curves: Sequence[Curve], columns: np.ndarray
    ) -> "AdditiveMargin":
        """Move each curve's mean over the training rows (rows × columns) to the intercept."""
        means = [curve.at(columns[:, place]).mean() for place, curve in enumerate(curves)]
        lowered = (
            type(curve)(curve.points, curve.heights - mean, float(curve.missing - mean))
            for curve, mean in zip(curves, means, strict=True)
        )
        return cls(float(intercept + sum(means)), tuple(lowered))

    def values(self, matrix: np.ndarray) -> np.ndarray:
        """Give each row's margin."""
        return self.contributions(matrix).sum(axis=1)

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """Give each column's height and, last, the mean margin (rows × columns + 1)."""
        heights = np.full((len(matrix), len(self.curves) + 1), self.intercept)
        for place, curve in enumerate(self.curves):
            heights[:, place] = curve.at(matrix[:, place])
        return heights

    def save(self, folder: Path) -> None:
        """Write the curves as JSON."""
        content = {
            "intercept": self.intercept,
            "curves": [_plain(curve) for curve in self.curves],
        }
        (folder / self.FILE).write_text(json.dumps(content, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "AdditiveMargin":
        """Read what `save` wrote."""
        content = json.loads((folder / cls.FILE).read_text(encoding="utf-8"))
        curves = tuple(
            _SHAPES[one["shape"]](np.array(one["points"]), np.array(one["heights"]), one["missing"])
            for one in content["curves"]
        )
        return cls(float(content["intercept"]), curves)


def _plain(curve: Curve) -> dict[str, object]:
    return {
        "shape": _NAMES[type(curve)],
        "points": curve.points.tolist(),
        "heights": curve.heights.tolist(),
        "missing": curve.missing,
    }
