"""From margins to probabilities: two or three numbers, fitted on out-of-fold margins.

A slope is never negative: where margins do not order the outcomes at all, the calibrated answer is
the base rate for everyone, which is what such a model is worth.

A model that moves to a new place keeps its margins and has these numbers changed (`recalibrate`).
They are not fitted from nothing: a few dozen patients can tell how common the outcome is there, and
little more.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from scipy.special import chdtri, expit, logit

from kappredict.estimators.hazard import HazardCalibration

Way = Literal["none", "intercept", "intercept_and_slope", "chosen"]
"""How much may change at a new place: see `recalibrate`."""


@dataclass(frozen=True)
class LogitCalibration:
    """Log-odds = `intercept` + `slope` × margin (Platt 1999; logistic recalibration, Cox 1958)."""

    # By how much a new place may differ in level (log-odds) and in slope (as a part of the old):
    # standard deviations, so wide that a hundred patients outweigh them. On simulated places wider
    # ones did worse, with 20 patients as with 320.
    CHANGES: ClassVar[tuple[float, ...]] = (1.0, 0.5)

    intercept: float
    slope: float

    @classmethod
    def fit(
        cls, margins: np.ndarray, outcome: np.ndarray, weights: np.ndarray
    ) -> "LogitCalibration":
        """Fit by weighted maximum likelihood, with the slope not below 0."""
        from scipy.optimize import minimize

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

    def chance(self, margins: np.ndarray, day: float) -> np.ndarray:
        """Give the probability of the outcome; it has its own day, whatever `day` is."""
        del day
        return self.probability(margins)

    def changed(self, change: np.ndarray, centre: float) -> "LogitCalibration":
        """Move all log-odds by the first number and stretch them about a centre by the second."""
        level, stretch = centre + change[0], 1 + change[1]
        return LogitCalibration(
            float(level + stretch * (self.intercept - centre)), float(stretch * self.slope)
        )

    def to_json(self) -> dict[str, Any]:
        """Give the numbers as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "LogitCalibration":
        """Read what `to_json` gave."""
        return cls(**content)


Calibration = LogitCalibration | HazardCalibration


@dataclass(frozen=True)
class Answers:
    """What came of patients: yes or no by each of some days, and what each answer weighs.

    `yes` and `weights` are rows × days, and yes is what `at` gives the probability of: a response
    (which has its own day, so that `days` is empty), or no relapse by the day.
    """

    days: np.ndarray
    yes: np.ndarray
    weights: np.ndarray


def recalibrate(
    calibration: Calibration, margins: np.ndarray, answers: Answers, way: Way
) -> Calibration:
    """Fit what differs at a new place, from the margins that the model gave its patients.

    Steyerberg 2019, chapter 20; Janssen et al. 2008. What is made least is the log loss of the
    answers, all of a patient's together counting as one. Each change is held towards none as if
    known beforehand to lie within about two of `CHANGES`, so that thirty patients without one event
    do not make the outcome impossible.

    Parameters
    ----------
    way
        `none` leaves all as it is; `intercept` moves every prediction alike; `intercept_and_slope`
        also stretches or compresses them; `chosen` takes the least of these that a likelihood ratio
        test does not reject (Vergouwe et al. 2017).
    """
    if not answers.weights.any():
        return calibration
    most = len(calibration.CHANGES)
    free: dict[Way, int] = {"none": 0, "intercept": 1, "intercept_and_slope": most}
    if way != "chosen":
        return _changed(calibration, margins, answers, free[way])
    full = _changed(calibration, margins, answers, most)
    for fewer in (0, 1):
        less = _changed(calibration, margins, answers, fewer)
        worse = _log_loss(less, margins, answers) - _log_loss(full, margins, answers)
        if 2 * worse < chdtri(most - fewer, 0.05):
            return less
    return full


def _changed(
    calibration: Calibration, margins: np.ndarray, answers: Answers, free: int
) -> Calibration:
    """Change the first few numbers only, to the most likely values."""
    from scipy.optimize import minimize

    if not free:
        return calibration
    # About their mean, level and slope can be told apart.
    centre = float(calibration.margin(margins).mean())
    held = np.zeros(len(calibration.CHANGES) - free)

    def loss(change: np.ndarray) -> float:
        other = calibration.changed(np.append(change, held), centre)
        strain = change / calibration.CHANGES[:free]
        return _log_loss(other, margins, answers) + float(strain @ strain / 2)

    bounds = [(-12.0, 12.0), (-1.0, 12.0)][:free]
    found = minimize(loss, np.zeros(free), method="L-BFGS-B", bounds=bounds).x
    return calibration.changed(np.append(found, held), centre)


def _log_loss(calibration: Calibration, margins: np.ndarray, answers: Answers) -> float:
    """Give the log loss of all answers, as if each patient had given one."""
    chance = np.clip(calibration.at(calibration.margin(margins), answers.days), 1e-12, 1 - 1e-12)
    loss = np.where(answers.yes, -np.log(chance), -np.log1p(-chance))
    return float(len(margins) * np.average(loss, weights=answers.weights))
