"""What acting on predictions would gain: net benefit, and what a threshold does to 100 patients.

Net benefit counts those rightly acted on, less those wrongly acted on at the exchange rate that the
threshold implies: whoever acts from a probability of t on takes one hit to be worth (1 − t) / t
false alarms (Vickers and Elkin 2006). For response the action is to treat those likely to respond;
for relapse to watch those likely to relapse more closely.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.metrics_binary import ratio
from kappredict.evaluation.question import Question

THRESHOLDS = np.round(np.arange(0.02, 0.99, 0.02), 2)
Key = tuple[str, float]


def net_benefit(
    question: Question, others: Mapping[str, Question], *, seed: int, resamples: int
) -> pd.DataFrame:
    """Give net benefit by strategy and threshold, with pointwise 95 % intervals.

    Parameters
    ----------
    others
        Further predictions of the same rows, by name (the base rate, say).

    Returns
    -------
    strategy (`model`, `act on all`, `act on none`, the names of the others, and `model − best
    alternative`, which is paired), threshold, value, low, high.
    """

    def figures(
        outcome: np.ndarray, probability: np.ndarray, fold: np.ndarray, weights: np.ndarray
    ) -> dict[Key, np.ndarray]:
        del fold
        total = weights.sum(axis=1)
        everyone = np.ones(len(outcome))
        lines = {
            "model": _benefit(outcome, probability, weights, total),
            "act on all": _benefit(outcome, everyone, weights, total),
        }
        simple = np.maximum(lines["act on all"], 0.0)
        gains = lines["model"] - simple
        return {
            (name, float(threshold)): line[:, place]
            for name, line in (lines | {"model − best alternative": gains}).items()
            for place, threshold in enumerate(THRESHOLDS)
        }

    found = question.estimate(figures, seed=seed, resamples=resamples)
    for name, other in others.items():
        theirs = other.estimate(figures, seed=seed, resamples=resamples)
        found |= {(name, at): one for (line, at), one in theirs.items() if line == "model"}
    nothing = Estimate(0.0, 0.0, 0.0)
    found |= {("act on none", float(at)): nothing for at in THRESHOLDS}
    rows = [(*key, one.value, one.low, one.high) for key, one in found.items()]
    return pd.DataFrame(rows, columns=["strategy", "threshold", "value", "low", "high"])


def threshold_table(
    question: Question, thresholds: tuple[float, ...], *, seed: int, resamples: int
) -> pd.DataFrame:
    """Give sensitivity, specificity, PPV, NPV, and numbers per 100 at some thresholds.

    Returns
    -------
    threshold, figure, value, low, high. Of 100 courses `flagged` reach the threshold, `hits` of
    them have the outcome, and `missed` have it below the threshold.
    """

    def figures(
        outcome: np.ndarray, probability: np.ndarray, fold: np.ndarray, weights: np.ndarray
    ) -> dict[tuple[float, str], np.ndarray]:
        del fold
        found: dict[tuple[float, str], np.ndarray] = {}
        for threshold in thresholds:
            flagged = (probability >= threshold).astype(float)
            for name, value in _shares(outcome, flagged, weights).items():
                found[threshold, name] = value
        return found

    estimates = question.estimate(figures, seed=seed, resamples=resamples)
    rows = [(*key, one.value, one.low, one.high) for key, one in estimates.items()]
    return pd.DataFrame(rows, columns=["threshold", "figure", "value", "low", "high"])


def benefit_at(
    outcome: np.ndarray, probability: np.ndarray, weights: np.ndarray, threshold: float
) -> np.ndarray:
    """Give the net benefit of acting from a threshold on, per resample."""
    flagged = probability >= threshold
    rate = threshold / (1 - threshold)
    return ratio(weights @ (flagged * (outcome - rate * (1 - outcome))), weights.sum(axis=1))


def _benefit(
    outcome: np.ndarray, probability: np.ndarray, weights: np.ndarray, total: np.ndarray
) -> np.ndarray:
    """Give net benefit per resample and threshold."""
    order = np.argsort(-probability, kind="stable")
    ahead = np.searchsorted(-probability[order], -THRESHOLDS, side="right")
    nobody = np.zeros((len(weights), 1))
    hits = np.hstack([nobody, (weights[:, order] * outcome[order]).cumsum(axis=1)])[:, ahead]
    alarms = np.hstack([nobody, (weights[:, order] * (1 - outcome[order])).cumsum(axis=1)])[
        :, ahead
    ]
    rate = THRESHOLDS / (1 - THRESHOLDS)
    return (hits - rate * alarms) / total[:, None]


def _shares(outcome: np.ndarray, flagged: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    hits, alarms = weights @ (flagged * outcome), weights @ (flagged * (1 - outcome))
    missed, spared = weights @ ((1 - flagged) * outcome), weights @ ((1 - flagged) * (1 - outcome))
    total = weights.sum(axis=1)
    return {
        "sensitivity": ratio(hits, hits + missed),
        "specificity": ratio(spared, spared + alarms),
        "ppv": ratio(hits, hits + alarms),
        "npv": ratio(spared, spared + missed),
        "flagged per 100": 100 * ratio(hits + alarms, total),
        "hits per 100": 100 * ratio(hits, total),
        "missed per 100": 100 * ratio(missed, total),
    }
