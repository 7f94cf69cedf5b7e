"""Inverse-probability-of-censoring weights for times of which some were not seen to the end.

An interval-censored relapse counts as happening at the visit that showed it (`upper`), a course
without one as last seen well at `lower`: what a clinic would have on record.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CensoringCurve:
    """Kaplan-Meier estimate of the probability of still being observed just before each day."""

    days: np.ndarray
    observed: np.ndarray

    @classmethod
    def fit(cls, seen: np.ndarray, happened: np.ndarray) -> "CensoringCurve":
        """Estimate from the day last seen and whether something happened then.

        Of a relapse and a censoring on one day the relapse came first, as is usual.
        """
        days, place = np.unique(seen, return_inverse=True)
        censored = np.bincount(place, weights=~happened)
        leaving = np.bincount(place)
        at_risk = leaving[::-1].cumsum()[::-1] - np.bincount(place, weights=happened)
        hazard = np.divide(censored, at_risk, out=np.zeros(len(days)), where=at_risk > 0)
        return cls(days, np.cumprod(1 - hazard))

    def just_before(self, day: np.ndarray) -> np.ndarray:
        """Give the probability of being observed up to, not including, a day."""
        place = np.searchsorted(self.days, day, side="left")
        return np.append(1.0, self.observed)[place]

    def at(self, day: np.ndarray) -> np.ndarray:
        """Give the probability of being observed up to and including a day."""
        place = np.searchsorted(self.days, day, side="right")
        return np.append(1.0, self.observed)[place]


def brier_by_row(
    seen: np.ndarray,
    relapsed: np.ndarray,
    happened: np.ndarray,
    survival: np.ndarray,
    grid: np.ndarray,
) -> np.ndarray:
    """Give each row's weighted squared error of survival, averaged over a grid of days.

    Graf and colleagues 1999. Those who relapsed by a day are weighted by their chance of having
    been observed until then, those seen beyond it by the chance of being observed at it, and those
    lost before it count nothing.

    Parameters
    ----------
    seen, relapsed, happened
        The day last seen; whether it was a relapse; whether it was any event.
    survival
        Rows × grid days: the predicted probability of being without relapse.
    """
    curve = CensoringCurve.fit(seen, happened)
    before = curve.just_before(seen)[:, None]
    gone = happened[:, None] & (seen[:, None] <= grid)
    still = seen[:, None] > grid
    weight = np.divide(1.0, before, out=np.zeros_like(before), where=before > 0) * gone
    at_grid = curve.at(grid)
    weight = weight + still * np.divide(1.0, at_grid, out=np.zeros_like(at_grid), where=at_grid > 0)
    well = ~(gone & relapsed[:, None])
    return (weight * (well - survival) ** 2).mean(axis=1)
