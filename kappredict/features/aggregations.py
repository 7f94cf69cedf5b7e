"""Aggregates of sorted runs of scores, all courses at once.

Rows are sorted by series and day; a run is one series (a course and an instrument). Everything is
a sum over runs (`np.add.reduceat`), so the cost is linear in rows.
"""

from dataclasses import dataclass

import numpy as np

DAYS_PER_SLOPE = 30.0


@dataclass(frozen=True)
class Runs:
    """Scores in runs: `start` is where each run begins, `series` which one it is.

    `day` counts from the landmark (negative); `since_dose` marks scores on or after the index day.
    """

    series: np.ndarray
    start: np.ndarray
    day: np.ndarray
    value: np.ndarray
    since_dose: np.ndarray

    @classmethod
    def of(
        cls, series: np.ndarray, day: np.ndarray, value: np.ndarray, since_dose: np.ndarray
    ) -> "Runs":
        """Sort scores into runs; scores of one day keep the order in which they came."""
        order = _order(series, day)
        sorted_series = series[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = sorted_series[1:] != sorted_series[:-1]
        start = np.flatnonzero(first)
        return cls(
            sorted_series[start], start, day[order], value[order], since_dose[order].astype(float)
        )

    @property
    def last_place(self) -> np.ndarray:
        """Where each run ends."""
        return np.append(self.start, len(self.value))[1:] - 1

    def total(self, values: np.ndarray) -> np.ndarray:
        """Add values up over each run."""
        return np.add.reduceat(values, self.start) if len(values) else np.empty(0)

    def last(self) -> np.ndarray:
        """Take the most recent score."""
        return self.value[self.last_place]

    def first(self) -> np.ndarray:
        """Take the earliest score."""
        return self.value[self.start]

    def change(self) -> np.ndarray:
        """Take last minus first; missing where there is one score only."""
        return np.where(self.count() > 1, self.last() - self.first(), np.nan)

    def count(self) -> np.ndarray:
        """Count the scores."""
        return (self.last_place - self.start + 1).astype(float)

    def recency(self) -> np.ndarray:
        """Count the days from the last score to the landmark."""
        return -self.day[self.last_place]

    def variability(self) -> np.ndarray:
        """Give the sample standard deviation; missing where there is one score only."""
        count = self.count()
        centred = self.value - np.repeat(self.total(self.value) / count, count.astype(int))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(count > 1, np.sqrt(self.total(centred**2) / (count - 1)), np.nan)

    def slope(self) -> np.ndarray:
        """Give the least-squares change per 30 days; missing without two different days."""
        count = self.count()
        each = count.astype(int)
        days = self.day - np.repeat(self.total(self.day) / count, each)
        spread = self.total(days**2)
        with np.errstate(invalid="ignore", divide="ignore"):
            slope = self.total(days * self.value) / spread
        return np.where(spread > 1e-9, DAYS_PER_SLOPE * slope, np.nan)

    def early_change(self) -> np.ndarray:
        """Take the last score since the first dose minus the last score before it."""
        since = self.total(self.since_dose)
        before = self.count() - since
        baseline = self.value[self.start + np.maximum(before.astype(int) - 1, 0)]
        return np.where((since > 0) & (before > 0), self.last() - baseline, np.nan)


def _order(series: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Sort by series, then day; a table that is already in order of day needs one pass only."""
    by_series = np.argsort(series, kind="stable")
    same = series[by_series][1:] == series[by_series][:-1]
    if not (same & (np.diff(day[by_series]) < 0)).any():
        return by_series
    return np.lexsort((day, series))
