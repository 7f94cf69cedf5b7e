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


def brier_by_row(
    seen: np.ndarray,
    relapsed: np.ndarray,
    happened: np.ndarray,
    survival: np.ndarray,
    grid: np.ndarray,
) -> np.ndarray:
    """Give each row's weighted squared error of survival, averaged over a grid of days.

    Graf and colleagues 1999. `seen` is the day last seen, `relapsed` and `happened` whether that
    was with a relapse, or with any event; `survival` is rows × grid days: the predicted
    probability of being without relapse.
    """
    weight, well = status_at(seen, relapsed, happened, grid)
    return (weight * (well - survival) ** 2).mean(axis=1)


def status_at(
    seen: np.ndarray, relapsed: np.ndarray, happened: np.ndarray, days: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give, for each row and day, its weight and whether it was without relapse on that day.

    Those with an event by a day are weighted by their chance of having been observed until then,
    those seen well on it or later by the chance of being observed up to it; those lost before it
    weigh nothing. Whoever was last seen well on the very day counts as well on it.
    """
    curve = CensoringCurve.fit(seen, happened)
    gone = happened[:, None] & (seen[:, None] <= days)
    still = (seen[:, None] >= days) & ~gone
    weight = gone * _inverse(curve.just_before(seen))[:, None]
    weight = weight + still * _inverse(curve.just_before(days))
    return weight, ~(gone & relapsed[:, None])


def _inverse(probability: np.ndarray) -> np.ndarray:
    return np.divide(1.0, probability, out=np.zeros_like(probability), where=probability > 0)
