"""What inputs and answers looked like in training, as counts: what monitoring compares with.

A number is cut into ranges that held about a fifth of the training rows each, a category into its
levels. How many rows each had describes nobody, and is all that a later comparison needs.
"""

from collections.abc import Iterable

import numpy as np
from pydantic import BaseModel, ConfigDict

from kappredict.data.columns import Words
from kappredict.features.table import FeatureTable

RANGES = 5
# A level that fewer training rows had is one of the others: a count of two might describe somebody.
LEAST_PER_LEVEL = 5


class Levels(BaseModel):
    """How many rows had each level of something, and of how many it was not known.

    `edges` cut a number: an edge belongs to the range below it. `words` are a category's levels, to
    which "any other" comes last. `counts` are by level; weighted rows count as many rows of equal
    weight as they are worth (Kish 1965).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    edges: tuple[float, ...] = ()
    words: tuple[str, ...] = ()
    counts: tuple[float, ...]
    missing: float = 0.0

    @classmethod
    def of_numbers(cls, values: np.ndarray, weights: np.ndarray | None = None) -> "Levels":
        """Cut numbers into ranges, and count."""
        known = ~np.isnan(values)
        edges = _edges(values[known])
        weights = np.ones(len(values)) if weights is None else weights
        square = (weights**2).sum()
        worth = weights.sum() / square if square else 0.0
        place = np.searchsorted(edges, values[known])
        counts = worth * np.bincount(place, weights[known], len(edges) + 1)
        missing = float(worth * weights[~known].sum())
        return cls(edges=tuple(edges.tolist()), counts=tuple(counts.tolist()), missing=missing)

    @classmethod
    def of_words(cls, values: Words) -> "Levels":
        """Count the levels of a category."""
        counts = np.bincount(values.codes[values.codes >= 0], minlength=len(values.words))
        usual = [n for n in np.argsort(-counts, kind="stable") if counts[n] >= LEAST_PER_LEVEL]
        every = [float(counts[n]) for n in usual]
        return cls(
            words=tuple(values.words[n] for n in usual),
            counts=(*every, float(counts.sum() - sum(every))),
            missing=float((values.codes < 0).sum()),
        )

    def count(self, values: np.ndarray | Words) -> np.ndarray:
        """Count other rows by the same levels; those not known come last."""
        if isinstance(values, Words):
            number = {word: place for place, word in enumerate(self.words)}
            place = np.array([*(number.get(one, len(self.words)) for one in values.words), -1])
            level = place[values.codes]
        else:
            level = np.where(np.isnan(values), -1, np.searchsorted(self.edges, values))
        counts = np.bincount(level[level >= 0], minlength=len(self.counts))
        return np.append(counts, (level < 0).sum()).astype(float)

    @property
    def expected(self) -> np.ndarray:
        """The counts of training, as `count` gives them."""
        return np.array([*self.counts, self.missing])


class Reference(BaseModel):
    """The training rows, those not assessed among them: every input, their middle, the answers.

    `centre` is the mean of the model's columns in standard deviations from `Applicability.mean`,
    over `n` rows; `margins` are out of fold and before calibration.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int
    features: dict[str, Levels]
    centre: tuple[float, ...]
    margins: Levels


def feature_levels(table: FeatureTable, names: Iterable[str]) -> dict[str, Levels]:
    """Count the levels of some features."""
    numbers, texts = table.columns.numbers, table.columns.texts
    return {
        name: Levels.of_words(texts[name]) if name in texts else Levels.of_numbers(numbers[name])
        for name in names
    }


def _edges(values: np.ndarray) -> np.ndarray:
    """Cut at fifths, or between all values where there are few of them."""
    distinct = np.unique(values)
    if len(distinct) > RANGES:
        shares = np.arange(1, RANGES) / RANGES
        cuts = np.unique(np.quantile(values, shares, method="inverted_cdf"))
        return cuts[cuts < distinct[-1]]
    return distinct[:-1]
