"""How far the lost could move the results: if they had responded k times less often than the like.

Those lost are given the chance of response of courses like them that were assessed, divided by k
(a risk ratio; 1 is "lost for no reason that matters"), and enter every figure twice, as somebody
who responded and as somebody who did not, with that chance and its rest as weights: a pattern
mixture with a fixed sensitivity parameter (Carpenter and Kenward 2013, chapter 10; White, Higgins
and Wood 2008).
"""

import numpy as np
import pandas as pd
from scipy.special import expit

from kappredict.estimators.encoder import Encoder
from kappredict.estimators.matrix import TrainingMatrix
from kappredict.estimators.pooling import PooledLogistic
from kappredict.estimators.targets import YesNo
from kappredict.evaluation.cross_validation import OutOfFold
from kappredict.evaluation.metrics_binary import auc, brier, calibration_intercept, ratio
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.question import Question
from kappredict.features.table import FeatureTable

TIMES_LESS_LIKELY = (1.0, 1.5, 2.0, 3.0)
# With fewer lost or assessed courses there is nothing to vary, or nothing to go by.
_LEAST = 20


def sensitivity(
    data: ModellingSet, predicted: OutOfFold, *, seed: int, resamples: int
) -> pd.DataFrame:
    """Give the base rate and the figures of a response model under each assumption on the lost.

    Returns
    -------
    assumption (`assessed only`, `weighted`, `lost 1 times less likely` and so on), k (NaN for the
    first two), figure (base_rate, auc, brier, calibration_intercept), value, low, high; empty for
    relapse, whose lost are censored, and where hardly anybody was lost.
    """
    columns = ["assumption", "k", "figure", "value", "low", "high"]
    tested = np.flatnonzero((predicted.folds >= 0).all(axis=0))
    if not isinstance(data.target, YesNo):
        return pd.DataFrame(columns=columns)
    outcome = data.target.outcome[tested]
    known = ~np.isnan(outcome)
    if min(known.sum(), (~known).sum()) < _LEAST:
        return pd.DataFrame(columns=columns)
    like = chances_of_the_like(data.context.take(tested), outcome, data.weights[tested])
    weights = data.weights[tested][known]
    asked: list[tuple[str, float, Question]] = [
        ("assessed only", np.nan, _question(data, predicted, tested[known], outcome[known], None)),
        ("weighted", np.nan, _question(data, predicted, tested[known], outcome[known], weights)),
    ]
    for k in TIMES_LESS_LIKELY:
        chance = np.where(known, np.nan_to_num(outcome), like / k)
        rows = np.concatenate([tested, tested])
        both = np.repeat([1.0, 0.0], len(tested))
        share = np.concatenate([chance, 1 - chance])
        name = f"lost {k:g} times less likely"
        asked.append((name, k, _question(data, predicted, rows, both, share)))
    table = [
        (name, k, figure, one.value, one.low, one.high)
        for name, k, question in asked
        for figure, one in question.estimate(_figures, seed=seed, resamples=resamples).items()
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


def _question(
    data: ModellingSet,
    predicted: OutOfFold,
    rows: np.ndarray,
    outcome: np.ndarray,
    weights: np.ndarray | None,
) -> Question:
    return Question.of_response(
        outcome,
        predicted.predictions[:, rows],
        predicted.folds[:, rows],
        data.rows.patients[rows],
        weights,
    )


def _figures(
    outcome: np.ndarray, probability: np.ndarray, fold: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    return {
        "base_rate": ratio(weights @ outcome, weights.sum(axis=1)),
        "auc": auc(outcome, probability, fold, weights),
        "brier": brier(outcome, probability, weights),
        "calibration_intercept": calibration_intercept(outcome, probability, weights),
    }
