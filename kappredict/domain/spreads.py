"""How a simulated variable is spread: distributions, each read off by its quantiles."""

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from scipy import special

from kappredict.domain.base import Definition

Share = Annotated[float, Field(ge=0, le=1)]


class Normal(Definition):
    """A normal distribution cut off at `low` and `high`; rounded where `whole`."""

    distribution: Literal["normal"]
    mean: float
    sd: float = Field(gt=0)
    low: float = -np.inf
    high: float = np.inf
    whole: bool = False

    def of(self, z: np.ndarray) -> np.ndarray:
        """Turn standard normal values into values of this distribution (its quantiles)."""
        ends = special.ndtr((np.array([self.low, self.high]) - self.mean) / self.sd)
        share = ends[0] + special.ndtr(z) * (ends[1] - ends[0])
        values = np.clip(self.mean + self.sd * special.ndtri(share), self.low, self.high)
        return np.round(values) if self.whole else values


class LogNormal(Definition):
    """A log-normal distribution; `sigma` is the SD of the logarithm, values stop at `high`."""

    distribution: Literal["lognormal"]
    median: float = Field(gt=0)
    sigma: float = Field(gt=0)
    high: float = np.inf

    def of(self, z: np.ndarray) -> np.ndarray:
        """Turn standard normal values into values of this distribution (its quantiles)."""
        return np.minimum(self.median * np.exp(self.sigma * z), self.high)


class YesNo(Definition):
    """Yes (1) in a share of people, else no (0)."""

    distribution: Literal["yes_no"]
    share: Share

    def of(self, z: np.ndarray) -> np.ndarray:
        """Turn standard normal values into 0 and 1; the highest are 1."""
        return (z > special.ndtri(1 - self.share)).astype("float64")


class Count(Definition):
    """`start` plus a Poisson number of mean `rate`, at most `high`."""

    distribution: Literal["count"]
    start: int = 0
    rate: float = Field(gt=0)
    high: int

    def of(self, z: np.ndarray) -> np.ndarray:
        """Turn standard normal values into values of this distribution (its quantiles)."""
        steps = special.pdtr(np.arange(self.high - self.start), self.rate)
        return self.start + np.searchsorted(steps, special.ndtr(z)).astype("float64")


class Levels(Definition):
    """A few stretches, each with a share of people, evenly spread from `low` to `high` in each."""

    class Level(Definition):
        """One stretch of values."""

        share: Share
        low: float
        high: float

    distribution: Literal["levels"]
    levels: tuple[Level, ...] = Field(min_length=1)
    whole: bool = False

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        total = sum(level.share for level in self.levels)
        if not np.isclose(total, 1):
            raise ValueError(f"the shares add up to {total:g}, not to 1")
        return self

    def of(self, z: np.ndarray) -> np.ndarray:
        """Turn standard normal values into values of this distribution (its quantiles)."""
        share = np.array([level.share for level in self.levels])
        low = np.array([level.low for level in self.levels])
        high = np.array([level.high for level in self.levels])
        begin = np.cumsum(share) - share
        place = special.ndtr(z)
        level = np.clip(np.searchsorted(begin, place, side="right") - 1, 0, len(share) - 1)
        within = np.clip((place - begin[level]) / share[level], 0, 1)
        values = low[level] + within * (high[level] - low[level])
        return np.round(values) if self.whole else values


Distribution = Annotated[
    Normal | LogNormal | YesNo | Count | Levels, Field(discriminator="distribution")
]
