"""How far the lost could move the results: if they had responded k times less often than the like.

Those lost are given the chance of response of courses like them that were assessed, divided by k
(a risk ratio; 1 is "lost for no reason that matters"), and enter every figure twice, as somebody
who responded and as somebody who did not, with that chance and its rest as weights: a pattern
mixture with a fixed sensitivity parameter (Carpenter and Kenward 2013, chapter 10; White, Higgins
and Wood 2008).

The chances of the like are known no better than those assessed tell: in every resample they are
moved on the log-odds, by a level and along the prediction, to meet the responses of those drawn.
Without the prediction among what "like" means, the lost would respond as if it told nothing new
(Meng 1994), and the AUC would fall for no reason; held fixed, the lost would count as seen, and
intervals would be about half as wide as they should be.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from scipy.special import expit

from kappredict.estimators.encoder import Encoder
from kappredict.estimators.matrix import TrainingMatrix
from kappredict.estimators.pooling import PooledLogistic
from kappredict.estimators.targets import YesNo
from kappredict.evaluation.cross_validation import OutOfFold
from kappredict.evaluation.decisions import benefit_at
from kappredict.evaluation.metrics_binary import (
    auc,
    brier,
    calibration_intercept,
    log_odds,
    logistic_fits,
    ratio,
)
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.question import Question
from kappredict.features.table import FeatureTable

TIMES_LESS_LIKELY = (1.0, 1.5, 2.0, 3.0)
# With fewer lost or assessed courses there is nothing to vary, or nothing to go by.
_LEAST = 20
_LEAST_SPREAD = 1e-9


def sensitivity(
    data: ModellingSet, predicted: OutOfFold, *, seed: int, resamples: int
) -> pd.DataFrame:
    """Give the base rate and the figures of a response model under each assumption on the lost.

    Returns
    -------
    assumption (`assessed only`, `weighted`, `lost 1 times less likely` and so on), k (NaN for the
    first two), figure (base_rate, auc, brier, calibration_intercept, and net_benefit of acting from
    the weighted base rate on), value, low, high; empty for relapse, whose lost are censored, and
    where hardly anybody was lost.
    """
    columns = ["assumption", "k", "figure", "value", "low", "high"]
    tested = np.flatnonzero((predicted.folds >= 0).all(axis=0))
    if not isinstance(data.target, YesNo):
        return pd.DataFrame(columns=columns)
    known = data.target.known[tested]
    if min(known.sum(), (~known).sum()) < _LEAST:
        return pd.DataFrame(columns=columns)
    assessed = tested[known]
    rate = np.average(data.target.outcome[assessed], weights=data.weights[assessed])
    figures = partial(_figures, float(rate))
    asked = _of_assessed(data, predicted, assessed) | _of_everyone(data, predicted, tested)
    table = [
        (name, k, figure, one.value, one.low, one.high)
        for (name, k), question in asked.items()
        for figure, one in question.estimate(figures, seed=seed, resamples=resamples).items()
    ]
    return pd.DataFrame(table, columns=columns)


def chances_of_the_like(
    context: FeatureTable, outcome: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Give each course the chance of response of assessed courses that look the same so far."""
    known = ~np.isnan(outcome)
    encoder = Encoder.fit(context.take(np.flatnonzero(known)))
    matrix = encoder.transform(context)
    size = matrix.shape[1]
    rows = TrainingMatrix(
        matrix[known],
        outcome[known],
        weights[known],
        np.zeros(size),
        np.zeros(int(known.sum()), dtype=int),
    )
    model = PooledLogistic(model="pooled_logistic", inverse_penalty=0.03, own_scale=0.0)
    return np.asarray(expit(model.fit(rows, 0).values(matrix)))


def _of_assessed(
    data: ModellingSet, predicted: OutOfFold, rows: np.ndarray
) -> dict[tuple[str, float], Question]:
    outcome = data.target.fitted_on[rows]
    return {
        (name, np.nan): Question.of_response(
            outcome,
            predicted.predictions[:, rows],
            predicted.folds[:, rows],
            data.rows.patients[rows],
            weights,
        )
        for name, weights in (("assessed only", None), ("weighted", data.weights[rows]))
    }


def _of_everyone(
    data: ModellingSet, predicted: OutOfFold, rows: np.ndarray
) -> dict[tuple[str, float], Question]:
    """Ask everybody under each assumption: all rows as responders, then all as non-responders."""
    outcome, weights = data.target.fitted_on[rows], data.weights[rows]
    probability = predicted.predictions[:, rows]
    like = log_odds(chances_of_the_like(data.context.take(rows), outcome, weights))
    lost = _Lost(outcome, weights, like, _level_and_slope(log_odds(probability).mean(axis=0)))
    return {
        (f"lost {k:g} times less likely", k): Question(
            np.repeat([1.0, 0.0], len(rows)),
            np.tile(probability, 2),
            np.tile(predicted.folds[:, rows], 2),
            np.tile(data.rows.patients[rows], 2),
            partial(lost.shared, k),
        )
        for k in TIMES_LESS_LIKELY
    }


def _level_and_slope(odds: np.ndarray) -> np.ndarray:
    level, spread = np.ones(len(odds)), odds.std()
    # A constant prediction has no slope.
    parts = [level, (odds - odds.mean()) / spread] if spread > _LEAST_SPREAD else [level]
    return np.column_stack(parts)


@dataclass(frozen=True)
class _Lost:
    """What is known of the lost: log-odds of the like, and the columns along which they move."""

    outcome: np.ndarray
    weights: np.ndarray
    like: np.ndarray
    columns: np.ndarray

    def shared(self, k: float, drawn: np.ndarray) -> np.ndarray:
        """Share what each row was drawn (resamples × rows twice) between yes and no."""
        times = drawn[:, : len(self.outcome)]
        known = ~np.isnan(self.outcome)
        moves = logistic_fits(
            self.outcome[known],
            self.columns[known],
            self.like[known],
            times[:, known] * self.weights[known],
            np.zeros(self.columns.shape[1]),
        )
        # A resample in which all responded, or none, does not tell where to move.
        odds = self.like + np.nan_to_num(moves) @ self.columns.T
        chance = np.where(known, np.nan_to_num(self.outcome), expit(odds) / k)
        return np.hstack([times * chance, times * (1 - chance)])


def _figures(
    threshold: float,
    outcome: np.ndarray,
    probability: np.ndarray,
    fold: np.ndarray,
    weights: np.ndarray,
) -> dict[str, np.ndarray]:
    return {
        "base_rate": ratio(weights @ outcome, weights.sum(axis=1)),
        "auc": auc(outcome, probability, fold, weights),
        "brier": brier(outcome, probability, weights),
        "calibration_intercept": calibration_intercept(outcome, probability, weights),
        "net_benefit": benefit_at(outcome, probability, weights, threshold),
    }
