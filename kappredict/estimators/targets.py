"""What a model is fitted to: a yes or no, or an interval of days; each knows how it is judged."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from kappredict.estimators.calibration import LogitCalibration
from kappredict.estimators.censoring import brier_by_row
from kappredict.estimators.hazard import HazardCalibration
from kappredict.estimators.working import Working, log_time, logistic

SHORTEST = 0.5
GRID_POINTS = 24


@dataclass(frozen=True)
class YesNo:
    """Response or remission: 1, 0, or NaN where it was not assessed."""

    outcome: np.ndarray

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def known(self) -> np.ndarray:
        """Whether the outcome was assessed."""
        return ~np.isnan(self.outcome)

    @property
    def n(self) -> int:
        """How many were assessed."""
        return int(self.known.sum())

    @property
    def events(self) -> int:
        """How many have the outcome."""
        return int(np.nansum(self.outcome))

    @property
    def strata(self) -> np.ndarray:
        """What folds are balanced on: 0 without the outcome, 1 with it, 2 not known."""
        return np.where(self.known, self.outcome, 2).astype(int)

    @property
    def fitted_on(self) -> np.ndarray:
        """What an estimator is given."""
        return self.outcome

    def take(self, rows: np.ndarray) -> "YesNo":
        """Give the target of some rows."""
        return YesNo(self.outcome[rows])

    def calibrate(self, margins: np.ndarray, weights: np.ndarray) -> LogitCalibration:
        """Fit the calibration of out-of-fold margins."""
        return LogitCalibration.fit(margins, self.outcome, weights)

    def losses(self, calibration: LogitCalibration, margins: np.ndarray) -> np.ndarray:
        """Give each row's log loss."""
        probability = np.clip(calibration.probability(margins), 1e-12, 1 - 1e-12)
        return -(xlogy(self.outcome, probability) + xlogy(1 - self.outcome, 1 - probability))

    def working(self, calibration: LogitCalibration) -> Working:
        """Give the likelihood of the calibrated margin, where the outcome is known."""
        del calibration
        return logistic(self.outcome)


@dataclass(frozen=True)
class Times:
    """Relapse of courses at risk: days `lower` to `upper`, and the event (0 none, 1 relapse, 2 …).

    A competing event is a censoring for the margin (a cause-specific hazard), and has a rate of its
    own in the calibration.
    """

    lower: np.ndarray
    upper: np.ndarray
    event: np.ndarray
    longest: float

    def __len__(self) -> int:
        return len(self.event)

    @property
    def known(self) -> np.ndarray:
        """Whether anything was seen: of everybody, if only up to a day."""
        return np.ones(len(self.event), dtype=bool)

    @property
    def n(self) -> int:
        """How many were at risk and seen."""
        return len(self.event)

    @property
    def events(self) -> int:
        """How many relapsed."""
        return int(self.relapsed.sum())

    @property
    def relapsed(self) -> np.ndarray:
        """Whether each course relapsed."""
        return self.event == 1

    @property
    def seen(self) -> np.ndarray:
        """The day on which each course's end was seen, or on which it was last seen well."""
        return np.where(self.event > 0, self.upper, self.lower)

    @property
    def strata(self) -> np.ndarray:
        """What folds are balanced on."""
        return self.relapsed.astype(int)

    @property
    def fitted_on(self) -> np.ndarray:
        """What an estimator is given: lower and upper, a competing event as censored."""
        lower = np.where(self.relapsed, self.lower, np.maximum(self.lower, SHORTEST))
        upper = np.where(self.relapsed, np.maximum(self.upper, SHORTEST), np.inf)
        return np.column_stack([np.minimum(lower, upper), upper])

    @property
    def grid(self) -> np.ndarray:
        """The days on which survival is judged, from early to the last day at risk."""
        return np.linspace(0, self.longest, GRID_POINTS + 1)[1:]

    def take(self, rows: np.ndarray) -> "Times":
        """Give the target of some rows."""
        return Times(self.lower[rows], self.upper[rows], self.event[rows], self.longest)

    def calibrate(self, margins: np.ndarray, weights: np.ndarray) -> HazardCalibration:
        """Fit the calibration of out-of-fold margins."""
        return HazardCalibration.fit(margins, self.seen, self.event, weights)

    def losses(self, calibration: HazardCalibration, margins: np.ndarray) -> np.ndarray:
        """Give each row's share of the integrated Brier score."""
        survival = calibration.survival(margins, self.grid)
        return brier_by_row(self.seen, self.relapsed, self.event > 0, survival, self.grid)

    def working(self, calibration: HazardCalibration) -> Working:
        """Give the likelihood of the calibrated margin."""
        days = np.maximum(self.seen, SHORTEST)
        risk = np.log(calibration.relapse.cumulative(days))
        return log_time(self.relapsed.astype(float), risk, 1.0)


Target = YesNo | Times


def stack_targets(parts: Sequence[Target]) -> Target:
    """Put outcomes of one kind under one another."""
    first = parts[0]
    if isinstance(first, YesNo):
        return YesNo(np.concatenate([one.outcome for one in parts if isinstance(one, YesNo)]))
    times = [one for one in parts if isinstance(one, Times)]
    return Times(
        np.concatenate([one.lower for one in times]),
        np.concatenate([one.upper for one in times]),
        np.concatenate([one.event for one in times]),
        first.longest,
    )
