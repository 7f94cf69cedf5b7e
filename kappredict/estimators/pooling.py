"""Partial pooling: a condition's model leans on what holds in all conditions."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from threadpoolctl import threadpool_limits

from kappredict.estimators.hazard import Baseline, stretches
from kappredict.estimators.margins import Margin
from kappredict.estimators.matrix import CandidateSettings, TrainingMatrix
from kappredict.estimators.space import Range, Space
from kappredict.estimators.standardised import Standardised
from kappredict.estimators.working import Working, log_time, logistic, posterior_mode

# The prior precision of an intercept: next to none.
_FREE = 1e-3
# Turns of fitting coefficients at a baseline and the baseline at the coefficients.
_TURNS = 4
# The log of a hazard that nobody was seen to have.
_UNSEEN = 12.0


class _Pooled(CandidateSettings):
    """A linear model of all conditions: common coefficients, and the condition's own part.

    Each column enters twice: for all rows, and, times `own_scale`, for the rows of the task's own
    condition only. Under one L2 penalty this is a normal prior on common effects and another, with
    `own_scale` times its standard deviation, on how the condition departs from them (Evgeniou and
    Pontil 2004; Daumé 2007): 0 is one model for all. Columns are centred within each condition,
    and each condition has its own level.
    """

    pools: ClassVar[bool] = True
    space: ClassVar[Space] = {
        "inverse_penalty": Range(low=0.0003, high=1, log=True),
        "own_scale": Range(low=0, high=1),
    }

    inverse_penalty: float = Field(default=0.03, gt=0)
    own_scale: float = Field(default=0.3, ge=0)

    @property
    def complexity(self) -> float:
        """A weaker penalty, and more room to depart from what holds in all conditions."""
        return self.inverse_penalty * (1 + self.own_scale)

    def _solve(
        self, table: "_Table", working: Working, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Give level and coefficients of the task's own condition, and every row's predictor."""
        columns, levels = table.columns, table.levels
        mine = levels[:, :1] * self.own_scale
        design = np.column_stack([levels, columns, mine * columns])
        free, q = levels.shape[1], columns.shape[1]
        prior = np.repeat([_FREE, 1 / self.inverse_penalty], [free, 2 * q])
        with threadpool_limits(1):
            found, _, _ = posterior_mode(design, working, weights, prior)
        own = found[free : free + q] + self.own_scale * found[free + q :]
        return np.append(found[0], own), design @ found


class PooledLogistic(_Pooled):
    """Logistic regression on all conditions, `inverse_penalty` being C of `Logistic`."""

    model: Literal["pooled_logistic"]

    def fit(self, rows: TrainingMatrix, seed: int) -> Margin:
        """Fit on rows whose outcome is 0 or 1; the margin is that of the task's own condition."""
        del seed  # a convex problem has one solution
        table = _Table.of(rows)
        found, _ = self._solve(table, logistic(rows.outcome), rows.weights)
        return table.own.margin(found[0], found[1:])


class PooledHazard(_Pooled):
    """Proportional hazards regression on all conditions, each with its own baseline hazard.

    The baseline is constant between days (`kappredict.estimators.hazard`); given it, relapse is a
    Poisson count, and both are fitted in turns (Cox 1972; Breslow 1974; Friedman 1982).
    """

    model: Literal["pooled_hazard"]

    def fit(self, rows: TrainingMatrix, seed: int) -> Margin:
        """Fit on two columns of days: lower, and upper, infinite if censored."""
        del seed
        table = _Table.of(rows)
        relapsed = np.isfinite(rows.outcome[:, 1])
        days = np.maximum(np.where(relapsed, rows.outcome[:, 1], rows.outcome[:, 0]), 0.5)
        predictor = np.zeros(len(days))
        for _ in range(_TURNS):
            risk = _log_risk(rows, days, relapsed, predictor)
            working = log_time(relapsed.astype(float), risk, 1.0)
            found, predictor = self._solve(table, working, rows.weights)
        return table.own.margin(found[0], found[1:])


def _log_risk(
    rows: TrainingMatrix, days: np.ndarray, relapsed: np.ndarray, predictor: np.ndarray
) -> np.ndarray:
    """Give the log of each row's cumulative baseline hazard, condition by condition."""
    risk = np.empty(len(days))
    for condition in np.unique(rows.condition):
        own = rows.condition == condition
        weights, happened = rows.weights[own], relapsed[own]
        if not happened.any():
            risk[own] = -_UNSEEN
            continue
        ends = stretches(days[own], happened)
        exposure = weights * np.exp(np.clip(-predictor[own], -20, 20))
        rates = Baseline.fit(ends, days[own], weights * happened, exposure)
        risk[own] = np.log(np.maximum(rates.cumulative(days[own]), np.exp(-_UNSEEN)))
    return risk


@dataclass(frozen=True)
class _Table:
    """Columns on one scale, centred within conditions, and a column of ones for each condition.

    The task's own condition comes first.
    """

    own: Standardised
    columns: np.ndarray
    levels: np.ndarray

    @classmethod
    def of(cls, rows: TrainingMatrix) -> "_Table":
        own = Standardised(rows.own.columns)
        columns = np.empty_like(rows.columns)
        conditions = np.unique(rows.condition)
        for condition in conditions:
            place = rows.condition == condition
            columns[place] = own.like(rows.columns[place])
        return cls(own, columns, (rows.condition[:, None] == conditions).astype(float))
