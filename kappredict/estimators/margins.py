"""Fitted models as margins: a number per course to which every column contributes additively.

For response and remission the margin is the log-odds; for relapse the location of the log of the
time without it. A linear margin is plain coefficients, an additive one plain curves, a tree margin
XGBoost's own booster: nothing that is saved runs code when it is loaded.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from kappredict.errors import BundleError
from kappredict.estimators.additive import AdditiveMargin
from kappredict.estimators.blocks import by_block

if TYPE_CHECKING:  # a service of linear models starts sooner without it
    import xgboost


class Margin(Protocol):
    """What a fitted model can do."""

    def values(self, matrix: np.ndarray) -> np.ndarray:
        """Give each row's margin."""
        ...

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """Give each column's SHAP value and, last, the expected margin (rows × columns + 1)."""
        ...

    def save(self, folder: Path) -> None:
        """Write the model into a folder."""
        ...


@dataclass(frozen=True)
class LinearMargin:
    """Coefficients on the columns as they are; a missing value counts as the training median.

    The SHAP value of a column is its coefficient times the distance from the training mean, which
    is exact for a linear model of columns taken as independent (Lundberg & Lee 2017, corollary 1).
    """

    intercept: float
    coefficients: np.ndarray
    median: np.ndarray
    mean: np.ndarray

    FILE = "linear.json"

    def values(self, matrix: np.ndarray) -> np.ndarray:
        """Give each row's margin."""
        return by_block(
            lambda rows: self.intercept + self._filled(rows) @ self.coefficients, matrix
        )

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """Give each column's SHAP value and, last, the margin at the training mean."""
        expected = self.intercept + self.mean @ self.coefficients
        shares = (self._filled(matrix) - self.mean) * self.coefficients
        return np.column_stack([shares, np.full(len(matrix), expected)])

    def save(self, folder: Path) -> None:
        """Write the coefficients as JSON."""
        content = {
            "intercept": self.intercept,
            "coefficients": self.coefficients.tolist(),
            "median": self.median.tolist(),
            "mean": self.mean.tolist(),
        }
        (folder / self.FILE).write_text(json.dumps(content, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "LinearMargin":
        """Read what `save` wrote."""
        content = json.loads((folder / cls.FILE).read_text(encoding="utf-8"))
        arrays = {key: np.array(content[key]) for key in ("coefficients", "median", "mean")}
        return cls(intercept=float(content["intercept"]), **arrays)

    def _filled(self, matrix: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(matrix), self.median, matrix)


@dataclass(frozen=True)
class TreeMargin:
    """An XGBoost booster; contributions are its exact TreeSHAP values (Lundberg et al. 2020)."""

    booster: "xgboost.Booster"

    FILE = "trees.ubj"

    def values(self, matrix: np.ndarray) -> np.ndarray:
        """Give each row's margin."""
        return by_block(lambda rows: self.contributions(rows).sum(axis=1), matrix)

    def contributions(self, matrix: np.ndarray) -> np.ndarray:
        """Give each column's SHAP value and, last, the expected margin."""
        rows = _rows_of(matrix)
        return self.booster.predict(rows, pred_contribs=True).astype("float64")

    def interactions(self, matrix: np.ndarray) -> np.ndarray:
        """Give the SHAP interaction values of each pair of columns (rows × columns × columns)."""
        rows = _rows_of(matrix)
        joint = self.booster.predict(rows, pred_interactions=True).astype("float64")
        return np.asarray(joint[:, :-1, :-1])

    def save(self, folder: Path) -> None:
        """Write the booster in XGBoost's own format."""
        self.booster.save_model(folder / self.FILE)

    @classmethod
    def load(cls, folder: Path) -> "TreeMargin":
        """Read what `save` wrote."""
        import xgboost

        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(folder / cls.FILE)
        return cls(booster)


def _rows_of(matrix: np.ndarray) -> "xgboost.DMatrix":
    import xgboost

    return xgboost.DMatrix(matrix, nthread=1)


_KINDS = (LinearMargin, AdditiveMargin, TreeMargin)


def load_margin(folder: Path) -> Margin:
    """Load whichever margin a folder holds.

    Raises
    ------
    BundleError
        If it holds none.
    """
    for kind in _KINDS:
        if (folder / kind.FILE).is_file():
            return kind.load(folder)
    files = ", ".join(kind.FILE for kind in _KINDS)
    raise BundleError(f"{folder} holds none of {files}")
