"""Likelihoods as weighted least squares at a linear predictor (McCullagh and Nelder 1989, 2.5)."""

from collections.abc import Callable

import numpy as np
from scipy.special import expit

_STEPS, _NEAR = 50, 1e-7

Working = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From a linear predictor per row to the curvature of its likelihood and the working response."""


def logistic(outcome: np.ndarray) -> Working:
    """Make the likelihood of a yes or no; the predictor is its log-odds."""

    def at(predictor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        chance = expit(predictor)
        curvature = np.maximum(chance * (1 - chance), 1e-6)
        return curvature, predictor + (outcome - chance) / curvature

    return at


def log_time(relapsed: np.ndarray, log_day: np.ndarray, scale: float) -> Working:
    """Make the likelihood of a Weibull time; the predictor is the location of its logarithm.

    Given the scale, relapse is a Poisson count whose mean is the cumulative hazard: the curvature
    is the number of relapses that were to be expected (Aitkin and Clayton 1980).
    """

    def at(predictor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        expected = np.exp(np.clip((log_day - predictor) / scale, -30, 3))
        curvature = np.maximum(expected, 1e-6) / scale**2
        return curvature, predictor + (expected - relapsed) / scale / curvature

    return at


def posterior_mode(
    design: np.ndarray, working: Working, weights: np.ndarray, prior: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit coefficients with independent normal priors of mean 0 by iterated weighted least squares.

    Parameters
    ----------
    prior
        The prior precision of each coefficient.

    Returns
    -------
    The coefficients, and the precision matrix and right-hand side of the likelihood at them.
    """
    coefficients = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        curvature, target = working(design @ coefficients)
        curvature = curvature * weights
        precision = (design.T * curvature) @ design
        response = design.T @ (curvature * target)
        found = np.linalg.solve(precision + np.diag(prior), response)
        moved = np.abs(found - coefficients).max()
        coefficients = found
        if moved < _NEAR:
            break
    return coefficients, precision, response
