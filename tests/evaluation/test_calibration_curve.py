"""Calibration: against statsmodels, against a known truth, and by law."""

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from patsy import dmatrix
from scipy.special import expit, logit
from scipy.stats import binomtest

from kappredict.evaluation.calibration_curve import (
    calibration_figures,
    distances,
    grouped_points,
    ici_by_chance,
    observed,
    smooth_curve,
)
from kappredict.evaluation.figures_calibration import calibration_figure
from kappredict.evaluation.metrics_survival import SeenTimes, SurvivalPredictions
from kappredict.evaluation.question import Question

SETTINGS = {"seed": 1, "resamples": 200}


def draw(n: int, level: float = 0.0, slope: float = 1.0, seed: int = 0):
    """Outcomes whose true log-odds are level + slope × the predicted ones."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-0.3, 0.9, n)
    outcome = (rng.random(n) < expit(level + slope * odds)).astype(float)
    return outcome, expit(odds)


def ask(outcome, *probabilities, weights=None) -> Question:
    folds = np.zeros((len(probabilities), len(outcome)))
    patients = np.arange(len(outcome))
    return Question.of_response(outcome, np.array(probabilities), folds, patients, weights)


def ask_by_day(lost_from: float, day: float = 90.0, n: int = 600, misjudged: float = 1.0):
    """Relapse under a constant hazard; the model knows it, or multiplies it by a mistake."""
    rng = np.random.default_rng(2)
    hazard = np.exp(rng.normal(0, 0.8, n)) / 120
    relapse, lost = rng.exponential(1 / hazard), rng.uniform(lost_from, lost_from + 400, n)
    times = SeenTimes(np.minimum(relapse, lost), (relapse <= lost).astype(int))
    survival = np.exp(-hazard * misjudged * day)[None, :, None]
    predicted = SurvivalPredictions(survival, np.array([day]), np.zeros((1, n)), (day,))
    return Question.of_horizon(times, predicted, day, np.arange(n)), times, relapse


def oracle(outcome, probability, weights, at):
    """The curve by statsmodels on patsy's restricted cubic spline, with the same knots."""
    odds = logit(probability)
    low, middle, high = np.quantile(odds, [0.1, 0.5, 0.9])
    spline = f"cr(x, knots=[{middle!r}], lower_bound={low!r}, upper_bound={high!r})"
    # patsy's spline goes on as a cubic beyond its bounds: compared within them.
    inside = (odds >= low) & (odds <= high)
    model = sm.GLM(
        outcome[inside],
        dmatrix(spline, {"x": odds[inside]}),
        family=sm.families.Binomial(),
        freq_weights=weights[inside],
    ).fit()
    return model.predict(dmatrix(spline, {"x": logit(at)})), inside
