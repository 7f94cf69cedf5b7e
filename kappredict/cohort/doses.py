"""The days of courses' doses, one of which may be a landmark."""

import numpy as np


def dose_days(
    index_day: np.ndarray, row: np.ndarray, day: np.ndarray, number: int | None
) -> np.ndarray:
    """Give the day of each course's n-th dose, or of its last one; its index day without doses.

    Parameters
    ----------
    row, day
        The course of each dose, by its place in `index_day`, and its day.
    """
    order = np.lexsort((day, row))
    row, day = row[order], day[order]
    first = np.searchsorted(row, row)
    counted = slice(None) if number is None else np.arange(len(row)) - first < number
    days = index_day.astype("float64")
    days[row[counted]] = day[counted]  # of several, the last one stays
    return days
