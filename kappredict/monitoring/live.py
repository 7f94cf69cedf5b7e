"""Live calibration and net benefit: outcomes, once they are due, against the validation's figures.

Calibration is tested by scores (Rao 1948) of the recalibration model (Cox 1958): the level against
a change either way, the slope against a fall, in the direction of which no test of a given level
has more power in small samples of independent outcomes. The variance is the one found, so that
weights for those lost are allowed for, and what validation left open is added to it. A fall of the
slope is sought whatever the level, and the level at the slope that was validated.
"""

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from kappredict.evaluation.decisions import net_benefit
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.metrics_binary import (
    calibration_intercept,
    calibration_slope,
    log_odds,
)
from kappredict.evaluation.question import Question
from kappredict.monitoring.checks import Check
from kappredict.monitoring.validated import GAIN, Validated, standard_error

_RESAMPLES = 100
# A site with fewer outcomes says too little about itself.
LEAST_AT_SITE = 30


def calibration_checks(question: Question, usual: Validated) -> list[Check]:
    """Compare level and slope with those that were validated."""
    level, slope = calibration(question)
    n = int((question.weights > 0).sum())
    return [
        Check("level", "calibration in the large", level.value, usual.level.value, n,
              2 * float(norm.sf(abs(level_score(question, usual.level))))),
        Check("slope", "calibration slope", slope.value, usual.slope.value, n,
              float(norm.cdf(slope_score(question, usual.slope)))),
    ]  # fmt: skip


def calibration(question: Question) -> tuple[Estimate, Estimate]:
    """Give level and slope with 95 % intervals; NaN where the outcomes do not give them."""
    outcome, probability = question.outcome, question.probability[0]
    weights, odds = question.weights, log_odds(question.probability[0])
    level = float(calibration_intercept(outcome, probability, weights[None])[0])
    slope = float(calibration_slope(outcome, probability, weights[None])[0])
    start = calibration_intercept(outcome, expit(slope * odds), weights[None])[0]
    return (
        _with_interval(level, _Score.of(outcome, odds + level, np.ones(len(odds)), weights)),
        _with_interval(slope, _Score.of_slope(outcome, start + slope * odds, odds, weights)),
    )


def level_score(question: Question, usual: Estimate, between: float = 0.0) -> float:
    """Give how many standard errors the level lies above the usual one.

    Parameters
    ----------
    between
        The standard deviation of the level between sites, for one site against all.
    """
    odds = log_odds(question.probability[0]) + usual.value
    score = _Score.of(question.outcome, odds, np.ones(len(odds)), question.weights)
    return score.standardised(standard_error(usual) ** 2 + between**2)


def slope_score(question: Question, usual: Estimate) -> float:
    """Give how many standard errors the slope lies above the usual one; NaN if all ended alike."""
    odds = log_odds(question.probability[0])
    outcome, weights = question.outcome, question.weights
    scaled = usual.value * odds
    level = calibration_intercept(outcome, expit(scaled), weights[None])[0]
    score = _Score.of_slope(outcome, level + scaled, odds, weights)
    return score.standardised(standard_error(usual) ** 2)


def benefit_checks(question: Question, usual: Validated, *, seed: int) -> list[Check]:
    """Compare what acting on the model gains, at each threshold, with what it gained."""
    if not usual.gain:
        return []
    found = net_benefit(question, {}, seed=seed, resamples=_RESAMPLES)
    gains = found[found["strategy"] == GAIN].set_index("threshold")
    n = int((question.weights > 0).sum())
    checks = []
    for threshold, before in usual.gain.items():
        now = Estimate(*(float(gains[name][threshold]) for name in ("value", "low", "high")))
        error = np.hypot(standard_error(now), standard_error(before))
        p = float(norm.cdf((now.value - before.value) / error)) if error > 0 else np.nan
        what = f"net benefit from {threshold:.0%} on"
        checks.append(Check("net_benefit", what, now.value, before.value, n, p))
    return checks


def site_checks(question: Question, sites: np.ndarray, usual: Validated) -> list[Check]:
    """Compare each site's level with the usual one, as far apart as sites were in validation.

    Where validation could not tell how far apart sites are, no site can be said to be far off.
    """
    if np.isnan(usual.between):
        return []
    checks = []
    for site in np.unique(sites[question.weights > 0]):
        rows = np.flatnonzero(sites == site)
        own = question.take(rows)
        n = int((own.weights > 0).sum())
        if n >= LEAST_AT_SITE:
            p = 2 * float(norm.sf(abs(level_score(own, usual.level, usual.between))))
            level = calibration(own)[0].value
            checks.append(Check("sites", str(site), level, usual.level.value, n, p))
    return checks


class _Score:
    """The derivative of a logistic likelihood along a column, its variance, and its information."""

    def __init__(self, value: float, variance: float, information: float) -> None:
        self.value, self.variance, self.information = value, variance, information

    @classmethod
    def of(
        cls, outcome: np.ndarray, odds: np.ndarray, column: np.ndarray, weights: np.ndarray
    ) -> "_Score":
        expected = expit(odds)
        value = (weights * (outcome - expected)) @ column
        information = weights * expected * (1 - expected) * column**2
        return cls(float(value), float(weights @ information), float(information.sum()))

    @classmethod
    def of_slope(
        cls, outcome: np.ndarray, odds: np.ndarray, column: np.ndarray, weights: np.ndarray
    ) -> "_Score":
        """Take the column about the mean that leaves the level out of account."""
        expected = expit(odds)
        informative = weights * expected * (1 - expected)
        if not informative.sum() > 0:
            return cls(np.nan, np.nan, np.nan)
        return cls.of(outcome, odds, column - np.average(column, weights=informative), weights)

    def standardised(self, further: float) -> float:
        """Divide by the standard error, to which `further` variance of the parameter is added."""
        variance = self.variance + self.information**2 * further
        return self.value / float(np.sqrt(variance)) if variance > 0 else np.nan


def _with_interval(value: float, score: _Score) -> Estimate:
    if not np.isfinite(value) or not score.information > 0:
        return Estimate(np.nan, np.nan, np.nan)
    half = 1.96 * float(np.sqrt(score.variance)) / score.information
    return Estimate(value, value - half, value + half)
