"""From margins to probabilities: two or three numbers, fitted on out-of-fold margins.

A slope is never negative: where margins do not order the outcomes at all, the calibrated answer is
the base rate for everyone, which is what such a model is worth.
"""

from dataclasses import asdict, dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit


@dataclass(frozen=True)
class LogitCalibration:
    """Log-odds = `intercept` + `slope` × margin (Platt 1999; logistic recalibration, Cox 1958)."""

    intercept: float
    slope: float

    @classmethod
    def fit(
        cls, margins: np.ndarray, outcome: np.ndarray, weights: np.ndarray
    ) -> "LogitCalibration":
        """Fit by weighted maximum likelihood, with the slope not below 0."""
        rate = float(np.clip(np.average(outcome, weights=weights), 1e-3, 1 - 1e-3))
        spread = margins.std()
        if spread < 1e-9:
            return cls(float(logit(rate)), 0.0)
        centred = (margins - margins.mean()) / spread

        def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
            odds = parameters[0] + parameters[1] * centred
            value = weights @ (np.logaddexp(0, odds) - outcome * odds)
            error = weights * (expit(odds) - outcome)
            return float(value), np.array([error.sum(), error @ centred])

        start = np.array([logit(rate), 0.1])
        bounds = [(-12.0, 12.0), (0.0, 12.0)]
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
        slope = found[1] / spread
        return cls(float(found[0] - slope * margins.mean()), float(slope))

    def margin(self, margins: np.ndarray) -> np.ndarray:
        """Give the calibrated log-odds."""
        return self.intercept + self.slope * margins

    def probability(self, margins: np.ndarray) -> np.ndarray:
        """Give the calibrated probability."""
        return np.asarray(expit(self.margin(margins)))

    def at(self, calibrated: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Give the probability of calibrated log-odds (rows × 1); there are no days to it."""
        del days
        return np.asarray(expit(calibrated))[:, None]

    def to_json(self) -> dict[str, float]:
        """Give the numbers as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class TimeCalibration:
    """Log days = `intercept` + `slope` × margin + `scale` × Gumbel noise: a Weibull time."""

    intercept: float
    slope: float
    scale: float

    @classmethod
    def fit(cls, margins: np.ndarray, times: np.ndarray, weights: np.ndarray) -> "TimeCalibration":
        """Fit by the weighted likelihood of interval-censored times (lower, upper in days)."""
        spread = margins.std()
        centred = (margins - margins.mean()) / (spread if spread > 1e-9 else 1.0)
        lower = np.log(np.maximum(times[:, 0], 1e-3))
        upper = np.log(np.maximum(times[:, 1], 1e-3))
        exact = times[:, 0] == times[:, 1]

        def loss(parameters: np.ndarray) -> float:
            location, scale = parameters[0] + parameters[1] * centred, np.exp(parameters[2])
            hazard_low = np.exp(np.clip((lower - location) / scale, -50, 6))
            hazard_high = np.exp(np.clip((upper - location) / scale, -50, 6))
            within = np.exp(-hazard_low) - np.where(np.isinf(upper), 0.0, np.exp(-hazard_high))
            density = hazard_low * np.exp(-hazard_low) / scale
            likelihood = np.maximum(np.where(exact, density, within), 1e-300)
            return float(-weights @ np.log(likelihood))

        typical = float(np.median(np.where(np.isinf(upper), lower, upper)))
        bounds = [(-5.0, 25.0), (0.0, 12.0), (-3.0, 3.0)]
        start = np.array([typical, 0.1, 0.0])
        found = minimize(loss, start, method="L-BFGS-B", bounds=bounds).x
        slope = found[1] / spread if spread > 1e-9 else 0.0
        return cls(float(found[0] - slope * margins.mean()), float(slope), float(np.exp(found[2])))

    def margin(self, margins: np.ndarray) -> np.ndarray:
        """Give the calibrated location of log days."""
        return self.intercept + self.slope * margins

    def survival(self, margins: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Give the probability of no relapse by each day (rows × days)."""
        return self.at(self.margin(margins), days)

    def at(self, calibrated: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Give the probability of no relapse by each day (rows × days) at calibrated locations."""
        standard = (np.log(days)[None, :] - calibrated[:, None]) / self.scale
        return np.asarray(np.exp(-np.exp(np.clip(standard, -50, 6))))

    def to_json(self) -> dict[str, float]:
        """Give the numbers as plain data."""
        return asdict(self)


Calibration = LogitCalibration | TimeCalibration
