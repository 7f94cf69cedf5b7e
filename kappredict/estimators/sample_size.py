"""How many parameters a number of courses and events supports (Riley and colleagues 2019, 2020).

Three criteria: shrinkage of at least 0.9, a difference of at most 0.05 between apparent and
adjusted Nagelkerke R², and an overall risk known to within 0.05. Riley et al., BMJ 2020;368:m441,
boxes 1 to 3; Statistics in Medicine 2019;38:1276. Where nothing is known beforehand a model is
taken to explain 15 % of the largest R² that the outcome's rate allows, as recommended there.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

SHRINKAGE, OPTIMISM, PRECISION, EXPLAINED = 0.9, 0.05, 0.05, 0.15


@dataclass(frozen=True)
class SampleSize:
    """The parameters that a sample supports, and whether its overall risk is known well enough."""

    n: int
    events: int
    parameters: int
    precise: bool

    def __str__(self) -> str:
        level = "" if self.precise else "; too few for an overall risk within 5 points"
        return f"{self.n} courses, {self.events} events: {self.parameters} parameters{level}"


def supported(n: int, events: int) -> SampleSize:
    """Say what a sample supports for a yes or no, or for times without relapse."""
    if not 0 < events < n:
        return SampleSize(n, events, 0, precise=False)
    rate = events / n
    most = largest_r2(rate)
    anticipated = EXPLAINED * most
    by_shrinkage = parameters_for(n, anticipated, SHRINKAGE)
    by_optimism = parameters_for(n, anticipated, anticipated / (anticipated + OPTIMISM * most))
    margin = 1.96 * np.sqrt(rate * (1 - rate) / n)
    return SampleSize(n, events, int(min(by_shrinkage, by_optimism)), bool(margin <= PRECISION))


def largest_r2(rate: float) -> float:
    """Give the largest Cox-Snell R² of a binary outcome: 1 − exp(2 × log-likelihood per course)."""
    likelihood = float(xlogy(rate, rate) + xlogy(1 - rate, 1 - rate))
    return float(1 - np.exp(2 * likelihood))


def parameters_for(n: int, r2: float, shrinkage: float) -> float:
    """Give the parameters that n courses support at a Cox-Snell R² and a shrinkage.

    n = p / ((S − 1) ln(1 − R² / S)), solved for p (Riley et al. 2019, equation 11).
    """
    return float(n * (shrinkage - 1) * np.log(1 - r2 / shrinkage))


def least_sample(parameters: int, r2: float, shrinkage: float) -> int:
    """Give the courses that some parameters need at a Cox-Snell R² and a shrinkage."""
    return int(np.ceil(parameters / ((shrinkage - 1) * np.log(1 - r2 / shrinkage))))
