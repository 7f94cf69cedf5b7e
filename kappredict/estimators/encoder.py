"""Feature tables to numbers: categories as one column per level, missing kept missing."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from kappredict.data.columns import Words
from kappredict.domain.features import FeatureSpec
from kappredict.features.table import FeatureTable

LEAST_PER_LEVEL = 5
_DIRECTIONS = {None: 0, "rising": 1, "falling": -1}


@dataclass(frozen=True)
class Column:
    """One column of the matrix: a feature, or one level of a category."""

    feature: str
    level: str | None = None


@dataclass(frozen=True)
class Encoder:
    """The columns that the training rows support, in order; learnt by `Encoder.fit`.

    A feature that is all missing or constant in the training rows gives no column, and neither
    does a level seen fewer than five times; at prediction an unknown level is none of the known.
    """

    columns: tuple[Column, ...]

    @classmethod
    def fit(cls, table: FeatureTable) -> "Encoder":
        """Learn the columns from the training rows."""
        columns: list[Column] = []
        for spec in table.specs:
            values = table.frame[spec.name]
            if spec.kind == "category":
                counts = values.value_counts()
                levels = sorted(counts[counts >= LEAST_PER_LEVEL].index)
                columns += [Column(spec.name, level) for level in levels if len(levels) > 1]
            elif values.min() < values.max():  # never so where nothing is known
                columns.append(Column(spec.name))
        return cls(tuple(columns))

    def transform(self, table: FeatureTable) -> np.ndarray:
        """Give the matrix (rows × columns, float64, NaN where missing)."""
        if not self.columns:
            return np.empty((len(table), 0))
        columns = table.some(list(dict.fromkeys(one.feature for one in self.columns)))
        by_column = [
            columns.numbers[one.feature]
            if one.level is None
            else _is_level(columns.texts[one.feature], one.level)
            for one in self.columns
        ]
        return np.ascontiguousarray(np.array(by_column).T)

    def directions(self, specs: tuple[FeatureSpec, ...]) -> np.ndarray:
        """Give, per column, whether the margin may only rise (1) or fall (−1) with it, or both (0).

        A level of a category has no direction.
        """
        ways = {spec.name: _DIRECTIONS[spec.monotone] for spec in specs}
        return np.array([ways[one.feature] if one.level is None else 0 for one in self.columns])

    def to_json(self) -> list[dict[str, Any]]:
        """Give the columns as plain data."""
        return [{"feature": column.feature, "level": column.level} for column in self.columns]

    @classmethod
    def from_json(cls, content: list[dict[str, Any]]) -> "Encoder":
        """Read what `to_json` gave."""
        return cls(tuple(Column(one["feature"], one["level"]) for one in content))


def _is_level(values: Words, level: str) -> np.ndarray:
    known = [float(word == level) for word in values.words]
    return np.array([*known, np.nan])[values.codes]
