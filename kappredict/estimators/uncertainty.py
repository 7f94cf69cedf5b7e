"""How sure a probability is: what the data leave open, what is not known, how places differ.

A prediction errs for five reasons. The training rows are few: the posterior of a linear model of
the same columns says how much they leave open for a patient like this. Something about the patient
is not known: its possible values move the prediction by their spread times their effect. The next
site is not the average of the sites seen: the spread between sites is estimated with the rest.
Those whose outcome is not known may differ from the like of them who were assessed. And the truth
is not quite of the model's form. All five are variances on the margin's scale; together they make
an interval for the probability itself, which is another thing than a set that holds the outcome
(conformal prediction), and wider than what calibration alone leaves open (Venn-Abers).
"""

from dataclasses import dataclass, replace

import numpy as np

from kappredict.estimators.standardised import Standardised
from kappredict.estimators.working import Working, posterior_mode

# Sound models of baseline facts reach an AUC of 0.62 to 0.72 (design, section 8): on the log-odds a
# standard deviation of 0.4 to 0.9. This is the prior of the spread of the true linear predictor.
_SIGNAL_MEDIAN, _SIGNAL_SPREAD = 0.6, 0.4
_SIGNALS = np.exp(np.linspace(np.log(0.15), np.log(2.4), 13))
# Assumption: the same patient's log-odds differ between sites by 0.3 (standard deviation), or so.
_SITE_MEDIAN, _SITE_SPREAD = 0.3, 0.4
# Assumption: the odds of those lost differ by a factor of about 1.5 from those of the like who were
# assessed, in either direction (a prior of the informative missingness odds ratio, White, Higgins
# and Wood 2008).
_LOST_FACTOR = 1.5
_SITES = np.array([0.1, 0.15, 0.2, 0.3, 0.4, 0.55, 0.75])
# Assumption: bends and interplays that a model misses move log-odds by 0.2 (standard deviation).
_MISFIT = 0.2
_FLAT = 1e-4
_LEAST_PAIRS = 20


@dataclass(frozen=True)
class Uncertainty:
    """Variances of a margin, as they follow from the training rows.

    `median`, `mean` and `scale` standardise the columns; `covariance` is that of intercept and
    coefficients (q + 1), `values` that of the standardised columns; `unknown` (q × q) is what
    columns that are not known add: the second moment of their coefficients times `values`;
    `between_sites` is the standard deviation of a new site's level, `lost` that of what the lost
    would have changed.
    """

    median: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    covariance: np.ndarray
    values: np.ndarray
    unknown: np.ndarray
    between_sites: np.ndarray
    lost: np.ndarray

    def spread(self, matrix: np.ndarray) -> np.ndarray:
        """Give the standard deviation of each row's margin."""
        return self._spread(matrix, np.isnan(matrix).astype(float), np.zeros(len(matrix)))

    def spread_once_known(self, matrix: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Give the standard deviation to be expected of each row once some columns are known.

        What not knowing them adds goes; what comes is that the training rows leave more open for a
        patient of one value or another than for the typical one.
        """
        gaps = np.isnan(matrix)
        learnt = (gaps & columns).astype(float)
        own = self.covariance[1:, 1:] * self.values
        return self._spread(matrix, (gaps & ~columns).astype(float), _quadratic(learnt, own))

    def _spread(self, matrix: np.ndarray, gaps: np.ndarray, more: np.ndarray) -> np.ndarray:
        unknown = np.maximum(_quadratic(gaps, self.unknown), 0.0) + np.maximum(more, 0.0)
        beyond = self.between_sites**2 + self.lost**2 + _MISFIT**2
        return np.sqrt(self.sampling(matrix) + unknown + beyond)

    def scaled(self, factor: float) -> "Uncertainty":
        """Give the uncertainty of a margin multiplied by a factor; places differ as they did."""
        squared = factor**2
        return replace(self, covariance=self.covariance * squared, unknown=self.unknown * squared)

    def sampling(self, matrix: np.ndarray) -> np.ndarray:
        """Give the part of each row's variance that more training rows would take away."""
        filled = np.where(np.isnan(matrix), self.median, matrix)
        design = np.column_stack([np.ones(len(matrix)), (filled - self.mean) / self.scale])
        return _quadratic(design, self.covariance)


def fit_uncertainty(
    columns: np.ndarray,
    sites: np.ndarray,
    working: Working,
    weights: np.ndarray,
    share_lost: float,
) -> Uncertainty:
    """Learn the variances from rows with a known outcome.

    A generalised linear model with normal priors on the coefficients (of equal variance, so that
    the linear predictor's is the squared `signal`) and on the sites' levels. The posterior is a
    normal one (Laplace; MacKay 1992), averaged over a grid of both standard deviations by their
    marginal likelihood, so that not knowing them widens it.

    Parameters
    ----------
    columns
        Rows × columns, NaN where missing.
    sites
        The site of each row.
    working
        The outcome's likelihood, as weighted least squares at a linear predictor.
    share_lost
        The share of courses whose outcome is not known at all.
    """
    scaled = Standardised(columns)
    names = np.unique(sites.astype(str))
    places = (sites.astype(str)[:, None] == names).astype(float)
    design = np.column_stack([np.ones(len(columns)), scaled.rows, places])
    grid = _Grid(columns.shape[1], len(names))
    middling = grid.prior(_SIGNAL_MEDIAN, _SITE_MEDIAN)
    _, precision, response = posterior_mode(design, working, weights, middling)
    mean, covariance, between = _averaged(precision, response, grid)
    size = columns.shape[1] + 1
    values = _covariance((columns - scaled.mean) / scaled.spread)
    second = covariance[1:size, 1:size] + np.outer(mean[1:size], mean[1:size])
    return Uncertainty(
        scaled.median,
        scaled.mean,
        scaled.spread,
        covariance[:size, :size],
        values,
        second * values,
        np.array(between),
        np.array(share_lost * np.log(_LOST_FACTOR)),
    )


@dataclass(frozen=True)
class _Grid:
    """Prior precisions over the grid of standard deviations."""

    columns: int
    sites: int

    def prior(self, signal: float, between: float) -> np.ndarray:
        """Give the prior precision of each coefficient."""
        own = np.full(self.columns, self.columns / signal**2)
        return np.concatenate([[_FLAT], own, np.full(self.sites, between**-2)])

    @property
    def points(self) -> list[tuple[float, float]]:
        """All pairs of standard deviations."""
        return [(signal, between) for signal in _SIGNALS for between in _SITES]

    @staticmethod
    def log_prior(signal: float, between: float) -> float:
        """Give the log prior density of a pair, but for a constant: both are lognormal."""
        size = np.log(signal / _SIGNAL_MEDIAN) / _SIGNAL_SPREAD
        place = np.log(between / _SITE_MEDIAN) / _SITE_SPREAD
        return -float(size**2 + place**2) / 2


def _averaged(
    precision: np.ndarray, response: np.ndarray, grid: _Grid
) -> tuple[np.ndarray, np.ndarray, float]:
    """Average the posterior over the grid by the marginal likelihood of its points."""
    evidence = np.empty(len(grid.points))
    for number, (signal, between) in enumerate(grid.points):
        prior = grid.prior(signal, between)
        factor = np.linalg.cholesky(precision + np.diag(prior))
        half = np.linalg.solve(factor, response)
        fit = half @ half - 2 * np.log(np.diag(factor)).sum() + np.log(prior).sum()
        evidence[number] = fit / 2 + grid.log_prior(signal, between)
    share = np.exp(evidence - evidence.max())
    share /= share.sum()
    mean, second, between_squared = np.zeros(len(response)), np.zeros(precision.shape), 0.0
    for weight, (signal, between) in zip(share, grid.points, strict=True):
        if weight < 1e-4:
            continue
        covariance = np.linalg.inv(precision + np.diag(grid.prior(signal, between)))
        centre = covariance @ response
        mean += weight * centre
        second += weight * (covariance + np.outer(centre, centre))
        between_squared += weight * between**2
    return mean, second - np.outer(mean, mean), float(np.sqrt(between_squared))


def _quadratic(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("ij,ij->i", rows @ matrix, rows))


def _covariance(standard: np.ndarray) -> np.ndarray:
    """Give the covariance of columns from the pairs that are known; 0 where there are few."""
    known = ~np.isnan(standard)
    filled = np.where(known, standard, 0.0)
    pairs = known.T.astype(float) @ known
    centre = np.divide(filled.sum(axis=0), known.sum(axis=0))
    products = filled.T @ filled
    covariance = np.divide(products, pairs, out=np.zeros_like(products), where=pairs > 0)
    return np.where(pairs >= _LEAST_PAIRS, covariance - np.outer(centre, centre), 0.0)
