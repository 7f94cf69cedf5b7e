"""When not to ask a model: of a patient unlike all, or like too few, of those it learnt from."""

from dataclasses import dataclass

import numpy as np

from kappredict.estimators.standardised import Standardised

# Fewer patients like this one than a clinician would call a series.
LEAST_ALIKE = 10


@dataclass(frozen=True)
class Applicability:
    """What the training rows looked like, as numbers that describe nobody.

    `median`, `mean` and `scale` standardise the columns, `precision` is the inverse of their
    covariance (shrunk, Ledoit and Wolf 2004); `farthest` is the largest distance from the mean
    (Mahalanobis 1936) among the training rows, `variance` what the margin of a single patient's
    outcome would have.
    """

    median: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    precision: np.ndarray
    farthest: np.ndarray
    variance: np.ndarray

    @classmethod
    def fit(cls, columns: np.ndarray, variance: float) -> "Applicability":
        """Learn from the training rows (rows × columns, NaN where missing)."""
        from sklearn.covariance import LedoitWolf

        scaled = Standardised(columns)
        precision = LedoitWolf().fit(scaled.rows).precision_ if columns.size else np.empty((0, 0))
        distance = _distance(scaled.rows, precision)
        return cls(
            scaled.median,
            scaled.mean,
            scaled.spread,
            precision,
            np.array(distance.max()),
            np.array(variance),
        )

    def outside(self, matrix: np.ndarray) -> np.ndarray:
        """Tell which rows lie farther from the typical patient than any training row did.

        Of patients like those in training this is about one in as many as there were.
        """
        return _distance(self.standard(matrix), self.precision) > self.farthest

    def standard(self, matrix: np.ndarray) -> np.ndarray:
        """Give rows in standard deviations from the training mean, the median where missing."""
        filled = np.where(np.isnan(matrix), self.median, matrix)
        return (filled - self.mean) / self.scale

    def alike(self, sampling: np.ndarray) -> np.ndarray:
        """Say how many patients' outcomes what is known about patients like this is worth.

        `sampling` is the variance that the training rows leave open (`Uncertainty.sampling`): that
        many patients, all like this one, would leave as much.
        """
        return self.variance / sampling


def _distance(standard: np.ndarray, precision: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("ij,ij->i", standard @ precision, standard))
