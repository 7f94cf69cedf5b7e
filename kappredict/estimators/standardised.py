"""Columns on one scale: missing values filled, each centred and divided by its spread."""

import warnings

import numpy as np

from kappredict.estimators.margins import LinearMargin


class Standardised:
    """A matrix with missing values filled by the median and columns scaled, and the way back."""

    def __init__(self, matrix: np.ndarray) -> None:
        self.median = np.nanmedian(matrix, axis=0) if matrix.size else np.empty(0)
        filled = np.where(np.isnan(matrix), self.median, matrix)
        self.mean = filled.mean(axis=0)
        spread = filled.std(axis=0)
        self.spread = np.where(spread > 0, spread, 1.0)
        # In place: there may be a million rows.
        filled -= self.mean
        filled /= self.spread
        self.rows = filled

    def like(self, matrix: np.ndarray) -> np.ndarray:
        """Put another group's rows on the same scale, about that group's own median and mean."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a column that nobody there has
            median = np.nanmedian(matrix, axis=0)
        filled = np.where(np.isnan(matrix), np.where(np.isnan(median), 0.0, median), matrix)
        return (filled - filled.mean(axis=0)) / self.spread

    def margin(self, intercept: float, coefficients: np.ndarray) -> LinearMargin:
        """Give the margin on the columns as they were."""
        raw = coefficients / self.spread
        return LinearMargin(float(intercept - raw @ self.mean), raw, self.median, self.mean)
