"""How far predictions are from what happened: calibration as figures, groups and a smooth curve.

The curve is a logistic regression of the outcome on a restricted cubic spline of the predicted
log-odds: what was observed among those given each prediction (Harrell 2015, section 10.5; Austin
and Steyerberg 2014). The distance between the two, over all courses, is the integrated calibration
index (ICI: its mean), E50 and E90 (what half and nine tenths of the distances stay under) and Emax
(Austin and Steyerberg 2019). By a horizon of relapse the weights of those known stand for those
lost; Austin, Harrell and van Klaveren 2020 model the hazard instead.

No distance is ever negative, so that a model without fault shows some too: an ICI of about 0.04
with 200 patients, 0.01 with 2,000. It is to be compared with `ici_by_chance`, not with 0.
"""

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
    ratio,
)
from kappredict.evaluation.question import Figures, Question

# A curve through fewer outcomes than this, on either side, shows noise.
LEAST_FOR_CURVE = 25
# Where the curve bends: Harrell's places for three knots (2015, table 2.3).
_KNOTS = (0.1, 0.5, 0.9)
_POINTS = 60
# Drawn outcomes are made in blocks of this many numbers, so that memory stays bounded.
_BLOCK = 100_000


def calibration_figures(question: Question, *, seed: int, resamples: int) -> dict[str, Estimate]:
    """Give intercept (calibration in the large), slope, ici, e50, e90 and emax with intervals.

    The last four are NaN where a curve would show noise.
    """
    enough = _enough(question)

    def figures(
        outcome: np.ndarray, probability: np.ndarray, fold: np.ndarray, weights: np.ndarray
    ) -> dict[str, np.ndarray]:
        del fold
        return {
            "intercept": calibration_intercept(outcome, probability, weights),
            "slope": calibration_slope(outcome, probability, weights),
            **distances(outcome, probability, weights * enough),
        }

    return question.estimate(figures, seed=seed, resamples=resamples)


def ici_by_chance(question: Question, *, seed: int, draws: int) -> Estimate:
    """Give the ICI that predictions without fault would show, and the range that holds 95 % of it.

    Outcomes are drawn from the predictions, of the same rows under the same weights.
    """
    if not _enough(question):
        return Estimate(np.nan, np.nan, np.nan)
    rng = np.random.default_rng(seed)
    both = np.repeat([1.0, 0.0], len(question.outcome))
    repeats = []
    for probability in question.probability:
        blocks = _drawn_outcomes(probability, question.weights, rng, draws)
        twice = np.tile(probability, 2)
        repeats.append(np.concatenate([distances(both, twice, one)["ici"] for one in blocks]))
    found = np.mean(repeats, axis=0)
    return Estimate.from_resamples(float(found[np.isfinite(found)].mean()), found)


def smooth_curve(question: Question, *, seed: int, resamples: int) -> pd.DataFrame:
    """Give the observed share for predictions over their range, with a pointwise interval.

    Returns
    -------
    predicted, observed, low, high; from the first to the ninety-ninth hundredth of predictions.
    Empty where a curve would show noise.
    """
    columns = ["predicted", "observed", "low", "high"]
    if not _enough(question):
        return pd.DataFrame(columns=columns, dtype=float)
    first, last = np.quantile(question.probability, [0.01, 0.99])
    places = np.linspace(first, last, _POINTS)
    found = question.estimate(_heights(places), seed=seed, resamples=resamples)
    rows = [(place, one.value, one.low, one.high) for place, one in found.items()]
    return pd.DataFrame(rows, columns=columns)


def grouped_points(question: Question, groups: int = 10) -> pd.DataFrame:
    """Give mean prediction and observed share, with a 95 % interval, of equal groups of courses.

    Equal predictions stay together, so there may be fewer groups. Over repeats a course counts in
    each group for the share of repeats that put it there.

    Returns
    -------
    predicted, observed, low, high, and n: how many courses of equal weight the group is worth (Kish
    1965), for which the interval is Wilson's (1927).
    """
    repeats, rows = question.probability.shape
    courses = pd.DataFrame(
        {
            "row": np.tile(np.arange(rows), repeats),
            "probability": question.probability.ravel(),
            "weight": np.tile(question.weights / repeats, repeats),
        }
    )
    courses = courses[courses["weight"] > 0]
    group = pd.qcut(courses["probability"], groups, labels=False, duplicates="drop").fillna(0)
    courses["predicted"] = courses["weight"] * courses["probability"]
    courses["observed"] = courses["weight"] * question.outcome[courses["row"]]
    total = courses.groupby(group)[["weight", "predicted", "observed"]].sum()
    square = (courses.groupby([group, courses["row"]])["weight"].sum() ** 2).groupby(level=0).sum()
    n = total["weight"] ** 2 / square
    points = total[["predicted", "observed"]].div(total["weight"], axis=0).clip(0, 1)
    low, high = wilson(points["observed"], n)
    return points.assign(low=low, high=high, n=n).reset_index(drop=True)


def wilson(share: pd.Series, n: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Give the 95 % interval of observed shares (Wilson 1927)."""
    z = 1.959963984540054
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return (centre - half).clip(lower=0), (centre + half).clip(upper=1)


def distances(
    outcome: np.ndarray, probability: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """Give ici, e50, e90 and emax under each row of weights; NaN where there is no curve."""
    away = np.abs(observed(outcome, probability, weights, probability) - probability)
    order = np.argsort(away, axis=1)
    ranked = np.take_along_axis(away, order, axis=1)
    below = np.take_along_axis(weights, order, axis=1).cumsum(axis=1)
    total, rows = below[:, -1:], np.arange(len(weights))
    quantiles = {
        # A hair below the share, because a sum of weights may fall short of it by rounding.
        name: ranked[rows, (below >= (share - 1e-12) * total).argmax(axis=1)]
        for name, share in (("e50", 0.5), ("e90", 0.9), ("emax", 1.0))
    }
    return {"ici": ratio((weights * away).sum(axis=1), total[:, 0]), **quantiles}


def observed(
    outcome: np.ndarray, probability: np.ndarray, weights: np.ndarray, at: np.ndarray
) -> np.ndarray:
    """Give the smooth curve's height at some predictions (weights × predictions).

    NaN where there is no curve: an outcome absent, or predictions that are all the same or that
    tell the outcomes apart without a mistake.
    """
    odds = log_odds(probability)
    middle, spread = odds.mean(), odds.std()
    if spread < 1e-9:  # a constant, but for rounding
        return np.full((len(weights), len(at)), np.nan)
    knots = (np.unique(np.quantile(odds, _KNOTS)) - middle) / spread
    columns, places = (_spline((one - middle) / spread, knots) for one in (odds, log_odds(at)))
    # Made independent of one another: a few far predictions would make the fit an uncertain one.
    independent, mixture = np.linalg.qr(columns)
    size = np.sqrt(len(odds))
    level = mixture[:, 0] * log_odds(outcome.mean()) / size
    fits = logistic_fits(outcome, independent * size, np.zeros(len(odds)), weights, level)
    return np.asarray(expit(size * fits @ np.linalg.solve(mixture.T, places.T)))


def _heights(places: np.ndarray) -> Figures[float]:
    def figures(
        outcome: np.ndarray, probability: np.ndarray, fold: np.ndarray, weights: np.ndarray
    ) -> dict[float, np.ndarray]:
        del fold
        curve = observed(outcome, probability, weights, places)
        return dict(zip(places.tolist(), curve.T, strict=True))

    return figures


def _spline(values: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Give the columns of a cubic that is straight outside its knots (Harrell 2015, 2.4.5).

    With fewer than three different knots it is straight throughout.
    """
    columns = [np.ones(len(values)), values]
    if len(knots) == len(_KNOTS):
        first, inner, last = (np.maximum(values - knot, 0) ** 3 for knot in knots)
        share = (knots[2] - knots[0]) / (knots[2] - knots[1])
        bend = first - share * inner + (share - 1) * last
        columns.append(bend / (knots[2] - knots[0]) ** 2)
    return np.column_stack(columns)


def _drawn_outcomes(
    probability: np.ndarray, weights: np.ndarray, rng: np.random.Generator, draws: int
) -> Iterator[np.ndarray]:
    """Yield weights of every row as a yes, then of every row as a no: one of the two is 0."""
    step = max(1, _BLOCK // len(probability))
    for start in range(0, draws, step):
        yes = rng.random((min(step, draws - start), len(probability))) < probability
        yield np.hstack([weights * yes, weights * ~yes])


def _enough(question: Question) -> bool:
    """Tell whether both sides of the outcome were seen often enough for a curve."""
    seen = question.outcome[question.weights > 0]
    return bool(min(seen.sum(), (1 - seen).sum()) >= LEAST_FOR_CURVE)
