"""How predicted and observed probabilities agree along their whole range, with intervals.

The outcome is regressed on the predicted log-odds by a logistic model with a natural cubic spline
(Austin and Steyerberg 2014); the mean distance of that curve from the diagonal is the integrated
calibration index (ICI), its quantiles E50 and E90, its maximum Emax (Austin and Steyerberg 2019).
At a horizon of relapse the same regression is weighted for those lost (IPCW).
"""

from collections.abc import Callable, Mapping

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import expit

from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.metrics_binary import (
    calibration_intercept,
    calibration_slope,
    log_odds,
    logistic_fits,
)
from kappredict.evaluation.question import Question

# Quantiles of the knots (Harrell 2015, table 2.3, five knots would bend more than 200 rows bear).
_KNOTS = (0.1, 0.5, 0.9)
# A smooth curve through fewer outcomes than this on either side shows noise.
LEAST_FOR_CURVE = 25
_POINTS = 60
# Drawn outcomes are made in blocks of this many numbers, so that memory stays bounded.
_BLOCK = 100_000


def calibration_figures(question: Question, *, seed: int, resamples: int) -> dict[str, Estimate]:
    """Give intercept (calibration in the large), slope, ici, e50, e90 and emax with intervals.

    The last four are missing where either outcome is too rare for a curve.
    """
    bends = _has_curve(question)

    def figures(
        outcome: np.ndarray, probability: np.ndarray, fold: np.ndarray, weights: np.ndarray
    ) -> Mapping[str, np.ndarray]:
        del fold
        found = {
            "intercept": calibration_intercept(outcome, probability, weights),
            "slope": calibration_slope(outcome, probability, weights),
        }
        distance = np.full((len(weights), len(outcome)), np.nan)
        if bends:
            observed = _smooth(outcome, probability, weights)(probability)
            distance = np.abs(observed - probability)
        return found | _distances(distance, weights)

    return question.estimate(figures, seed=seed, resamples=resamples)


def ici_by_chance(question: Question, *, seed: int, resamples: int) -> Estimate:
    """Give the ICI that predictions without fault would show, and the range that holds 95 % of it.

    Outcomes are drawn from the predictions, of the same rows under the same weights.
    """
    if not _enough(question):
        return Estimate(np.nan, np.nan, np.nan)
    rng, rows = np.random.default_rng(seed), len(question.outcome)
    both = np.repeat([1.0, 0.0], rows)
    repeats = [
        np.concatenate(
            [
                distances(both, np.tile(probability, 2), weights)["ici"]
                for weights in _drawn_outcomes(probability, question.weights, rng, resamples)
            ]
        )
        for probability in question.probability
    ]
    found = np.mean(repeats, axis=0)
    return Estimate.from_resamples(float(np.nanmean(found)), found)


def smooth_curve(question: Question, *, seed: int, resamples: int) -> pd.DataFrame:
    """Give the smooth curve: `predicted`, `observed`, and a pointwise interval `low` to `high`.

    It spans the 1st to the 99th percentile of the predictions; empty where either outcome is too
    rare for a curve.
    """
    columns = ["predicted", "observed", "low", "high"]
    if not _has_curve(question):
        return pd.DataFrame(columns=columns, dtype=float)
    weighed = question.weights > 0
    ends = np.quantile(question.probability[:, weighed], [0.01, 0.99])
    at = np.linspace(ends[0], ends[1], _POINTS)

    def figures(
        outcome: np.ndarray, probability: np.ndarray, fold: np.ndarray, weights: np.ndarray
    ) -> Mapping[int, np.ndarray]:
        del fold
        return dict(enumerate(_smooth(outcome, probability, weights)(at).T))

    found = question.estimate(figures, seed=seed, resamples=resamples)
    rows = [
        (place, one.value, one.low, one.high) for place, one in zip(at, found.values(), strict=True)
    ]
    return pd.DataFrame(rows, columns=columns)


def grouped_points(question: Question, groups: int = 10) -> pd.DataFrame:
    """Give mean prediction and observed share of equal groups of the first repeat's predictions.

    `n` counts the rows that weigh; `low` and `high` are Wilson's interval for the effective number.
    """
    weights = question.weights
    rows = pd.DataFrame(
        {
            "outcome": question.outcome * weights,
            "probability": question.probability[0] * weights,
            "weight": weights,
            "square": weights**2,
        }
    )[weights > 0]
    kept = question.probability[0][weights > 0]
    group = pd.qcut(kept, groups, labels=False, duplicates="drop")
    sums = rows.groupby(np.nan_to_num(group)).agg(
        outcome=("outcome", "sum"), probability=("probability", "sum"),
        weight=("weight", "sum"), square=("square", "sum"), n=("weight", "size"),
    )  # fmt: skip
    share, effective = sums["outcome"] / sums["weight"], sums["weight"] ** 2 / sums["square"]
    low, high = wilson(share, effective)
    return pd.DataFrame(
        {
            "predicted": sums["probability"] / sums["weight"],
            "observed": share, "low": low, "high": high, "n": sums["n"],
        }
    ).reset_index(drop=True)  # fmt: skip


def wilson(share: pd.Series, n: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Give the 95 % interval of observed shares (Wilson 1927)."""
    z = 1.959963984540054
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt((share * (1 - share)).clip(lower=0) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return (centre - half).clip(lower=0), (centre + half).clip(upper=1)


def _has_curve(question: Question) -> bool:
    known = question.weights > 0
    outcome = question.outcome[known]
    enough = min(outcome.sum(), (1 - outcome).sum()) >= LEAST_FOR_CURVE
    return bool(enough and np.ptp(question.probability[:, known], axis=1).min() > 1e-4)


def _smooth(
    outcome: np.ndarray, probability: np.ndarray, weights: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """Fit the curve per resample; gives observed probabilities (resamples × points)."""
    odds = log_odds(probability)
    knots = np.unique(np.quantile(odds, _KNOTS))
    columns = _natural(odds, knots)
    scale = columns.std(axis=0)
    design = np.column_stack([np.ones(len(odds)), columns / scale])
    nothing = np.zeros(len(odds))
    fitted = logistic_fits(outcome, design, nothing, weights, np.zeros(design.shape[1]))
    return lambda at: expit(
        fitted @ np.column_stack([np.ones(len(at)), _natural(log_odds(at), knots) / scale]).T
    )


def _natural(values: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Give a natural cubic spline: straight beyond the outer knots (Harrell 2015)."""
    if len(knots) < 3:
        return values[:, None]
    first, *inner, last = knots

    def bend(knot: float) -> np.ndarray:
        return np.clip(values - knot, 0, None) ** 3 - np.clip(values - last, 0, None) ** 3

    before = bend(inner[-1]) / (last - inner[-1])
    bends = [bend(knot) / (last - knot) - before for knot in (first, *inner[:-1])]
    return np.column_stack([values, *bends])


def _distances(distance: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Give the weighted mean and quantiles of distances (resamples × rows)."""
    order = np.argsort(distance, axis=1)
    ordered = np.take_along_axis(distance, order, axis=1)
    share = np.take_along_axis(weights, order, axis=1).cumsum(axis=1)
    share = share / share[:, -1:]
    rows = np.arange(len(distance))
    quantiles = {
        name: ordered[rows, (share >= level - 1e-12).argmax(axis=1)]
        for name, level in (("e50", 0.5), ("e90", 0.9), ("emax", 1.0))
    }
    return {"ici": (weights * distance).sum(axis=1) / weights.sum(axis=1)} | quantiles
