"""Penalised logistic regression with bends: a broken line per column that turns only gently.

A column enters as its slope on each stretch between knots, so that three things become simple: the
penalty on the line through the curve is that of plain logistic regression; the penalty on bends is
on the differences between neighbouring slopes (Eilers & Marx 1996); and a curve that may only rise,
or only fall, is one whose slopes are bounded by zero.
"""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.linalg import block_diag
from scipy.optimize import Bounds, minimize
from scipy.special import expit
from threadpoolctl import threadpool_limits

from kappredict.estimators.additive import AdditiveMargin, Line
from kappredict.estimators.margins import Margin
from kappredict.estimators.matrix import CandidateSettings, TrainingMatrix
from kappredict.estimators.space import Range, Space
from kappredict.estimators.standardised import Standardised

_STEPS = 5000
# Far below what a probability shows; the solver's own default stops visibly early.
_TOLERANCE = 1e-14


class LogisticSplines(CandidateSettings):
    """Logistic regression on linear splines of the columns; a missing value counts as the median.

    `inverse_penalty` is C of `Logistic`, on the slope of the line through a standardised column's
    curve; `bend_penalty` is how much a bend costs beside a slope of its size. The `knots` of a
    column stand at evenly spaced quantiles; one with fewer than `least_values` different values
    stays straight. Directions hold exactly.
    """

    needs: ClassVar[int] = 5
    space: ClassVar[Space] = {
        "inverse_penalty": Range(low=0.0003, high=0.3, log=True),
        "bend_penalty": Range(low=0.3, high=30, log=True),
        "knots": Range(low=1, high=5),
    }

    model: Literal["logistic_splines"]
    inverse_penalty: float = Field(default=0.02, gt=0)
    bend_penalty: float = Field(default=2.0, gt=0)
    knots: int = Field(default=3, ge=0)
    least_values: int = Field(default=10, gt=2)

    @property
    def complexity(self) -> float:
        """A weaker penalty, and more bends that cost less."""
        return self.inverse_penalty * (1 + self.knots / self.bend_penalty)

    def fit(self, rows: TrainingMatrix, seed: int) -> Margin:
        """Fit on rows whose outcome is 0 or 1."""
        del seed  # a convex problem has one solution
        scaled = Standardised(rows.columns)
        points = [
            self._points(filled[~np.isnan(column)])
            for filled, column in zip(scaled.rows.T, rows.columns.T, strict=True)
        ]
        stretches = [_stretches(*pair) for pair in zip(scaled.rows.T, points, strict=True)]
        sizes = [one.shape[1] for one in stretches]
        costs = [
            self._cost(part, filled) for part, filled in zip(stretches, scaled.rows.T, strict=True)
        ]
        with threadpool_limits(1):
            intercept, slopes = _solve(
                rows,
                np.hstack(stretches),
                block_diag(*costs) / self.inverse_penalty,
                np.repeat(rows.directions, sizes),
            )
        parts = np.split(slopes, np.cumsum(sizes)[:-1])
        curves = [
            _curve(scaled, place, *pair)
            for place, pair in enumerate(zip(points, parts, strict=True))
        ]
        return AdditiveMargin.centred(intercept, curves, rows.columns)

    def _points(self, values: np.ndarray) -> np.ndarray:
        """Give the ends of a column and, where it has values enough, its knots."""
        ends = [values.min(), values.max()]
        if len(np.unique(values)) < self.least_values:
            return np.array(ends)
        shares = np.arange(1, self.knots + 1) / (self.knots + 1)
        return np.unique([*ends, *np.quantile(values, shares)])

    def _cost(self, stretches: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Give the quadratic form of the slopes: the squared overall slope, and squared bends.

        The overall slope is that of the least-squares line through the curve.
        """
        overall = stretches.T @ column / (column @ column)
        bends = np.diff(np.eye(stretches.shape[1]), axis=0)
        return np.outer(overall, overall) + self.bend_penalty * bends.T @ bends


def _stretches(column: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Give how far each value has come on each stretch (rows × stretches)."""
    return np.clip(column[:, None], points[:-1], points[1:]) - points[:-1]


def _solve(
    rows: TrainingMatrix, design: np.ndarray, cost: np.ndarray, directions: np.ndarray
) -> tuple[float, np.ndarray]:
    """Minimise weighted log loss and half the cost of the slopes; directions bound their sign."""

    def loss(solution: np.ndarray) -> tuple[float, np.ndarray]:
        margin = solution[0] + design @ solution[1:]
        toll = cost @ solution[1:]
        losses = np.logaddexp(0, margin) - rows.outcome * margin
        surprise = rows.weights * (expit(margin) - rows.outcome)
        gradient = np.append(surprise.sum(), surprise @ design + toll)
        return rows.weights @ losses + solution[1:] @ toll / 2, gradient

    free = np.append(0, directions)
    bounds = Bounds(np.where(free > 0, 0.0, -np.inf), np.where(free < 0, 0.0, np.inf))
    options = {"maxiter": _STEPS, "maxfun": _STEPS, "ftol": _TOLERANCE, "gtol": 1e-6}
    start = np.zeros(len(free))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return float(found.x[0]), found.x[1:]


def _curve(scaled: Standardised, place: int, points: np.ndarray, slopes: np.ndarray) -> Line:
    """Put a column's slopes together, on the column as it was."""
    heights = np.append(0.0, np.cumsum(slopes * np.diff(points)))
    raw = points * scaled.spread[place] + scaled.mean[place]
    return Line(raw, heights, float(np.interp(scaled.median[place], raw, heights)))
