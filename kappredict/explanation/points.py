"""Contributions in percentage points of the probability that is shown.

A margin is a sum; a probability is not. Along the straight path from the expected margin to the
patient's, each share of the margin grows in step, and what it adds to the probability on the way is
its share of the whole change: the Aumann-Shapley value of a function of a sum (Aumann and Shapley
1974; as integrated gradients Sundararajan, Taly and Yan 2017; the rescale rule of Chen, Lundberg
and Lee 2022). So points add up to the probability exactly, and keep the order and the signs that
the shares have on the margin.
"""

import numpy as np

from kappredict.estimators.calibration import Calibration

# Below this distance the slope of the path is its derivative.
_CLOSE = 1e-5


def to_points(
    calibration: Calibration, shares: np.ndarray, expected: np.ndarray, days: np.ndarray
) -> np.ndarray:
    """Turn shares of the calibrated margin into percentage points.

    Parameters
    ----------
    shares
        Rows × parts; a row's shares and `expected` add up to its calibrated margin.
    expected
        The expected calibrated margin of each row.
    days
        The horizons of a relapse model, at each of which there are points; empty for the others.

    Returns
    -------
    Rows × parts × horizons (one for response). Over its parts a row adds up to what its probability
    is above that at the expected margin, times 100.
    """
    away = shares.sum(axis=1)
    near = np.abs(away) < _CLOSE
    step = np.where(near, _CLOSE, away)
    # A distance too short to divide by is looked at from both sides.
    start = np.where(near, expected - _CLOSE / 2, expected)
    ends = calibration.at(np.concatenate([start + step, start]), days)
    after, before = ends.reshape(2, len(shares), -1)
    slope = 100 * (after - before) / step[:, None]
    return np.asarray(shares[:, :, None] * slope[:, None, :])
