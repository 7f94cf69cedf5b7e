"""What answering only where the model is sure would gain, and whether sure answers are right.

Courses are ranked by the width of their interval. The trade-off answers the narrowest tenth, the
narrowest two tenths, and so on; the groups show calibration for narrow, middling and wide intervals
apart: a model whose narrow intervals are miscalibrated is sure of the wrong things.
"""

import numpy as np
import pandas as pd

from kappredict.evaluation.metrics_binary import auc, brier, calibration_intercept, ratio
from kappredict.evaluation.question import Question

SHARES = tuple(np.round(np.arange(0.1, 1.01, 0.1), 1))
GROUPS = ("narrow", "middling", "wide")
# Fewer of either outcome than this give no figure.
_LEAST_EITHER_SIDE = 10


def trade_off(question: Question, width: np.ndarray, *, seed: int, resamples: int) -> pd.DataFrame:
    """Give AUC and Brier score among the share of courses with the narrowest intervals.

    Parameters
    ----------
    width
        The width of each row's interval.

    Returns
    -------
    share, n, figure, value, low, high; shares with too few of either outcome are left out.
    """
    order = np.argsort(width, kind="stable")
    kept = [(share, order[: int(np.ceil(share * len(order)))]) for share in SHARES]
    return _table("share", kept, question, seed, resamples)


def by_width(question: Question, width: np.ndarray, *, seed: int, resamples: int) -> pd.DataFrame:
    """Give the same figures, and calibration, in thirds of interval width.

    Returns
    -------
    group (narrow, middling, wide), n, figure, value, low, high.
    """
    thirds = np.array_split(np.argsort(width, kind="stable"), len(GROUPS))
    return _table("group", list(zip(GROUPS, thirds, strict=True)), question, seed, resamples)


def _table(
    name: str,
    parts: list[tuple[float, np.ndarray]] | list[tuple[str, np.ndarray]],
    question: Question,
    seed: int,
    resamples: int,
) -> pd.DataFrame:
    rows = []
    for label, place in parts:
        asked = question.take(np.sort(place))
        known = asked.outcome[asked.weights > 0]
        if min(known.sum(), (1 - known).sum()) < _LEAST_EITHER_SIDE:
            continue
        for figure, one in asked.estimate(_figures, seed=seed, resamples=resamples).items():
            rows.append((label, len(known), figure, one.value, one.low, one.high))
    return pd.DataFrame(rows, columns=[name, "n", "figure", "value", "low", "high"])


def _figures(
    outcome: np.ndarray, probability: np.ndarray, fold: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    return {
        "auc": auc(outcome, probability, fold, weights),
        "brier": brier(outcome, probability, weights),
        "calibration_intercept": calibration_intercept(outcome, probability, weights),
        "observed / expected": ratio(weights @ outcome, weights @ probability),
    }
