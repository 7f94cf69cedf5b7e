"""A feature table: one row per cohort row, columns in schema order, missing kept missing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from kappredict.data.columns import Columns
from kappredict.domain.features import FeatureSpec

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class FeatureTable:
    """Features of each course, with what every column means.

    `content` is a frame (index: the course's row number; numbers and flags float64 with NaN where
    missing, categories text), or the same as light columns: `frame` and `columns` give both.

    Raises
    ------
    ValueError
        If the columns are not those of the specs; a frame's must be in their order.
    """

    content: pd.DataFrame | Columns
    specs: tuple[FeatureSpec, ...]

    def __post_init__(self) -> None:
        expected = [spec.name for spec in self.specs]
        if isinstance(self.content, Columns):
            present = self.content.numbers.keys() | self.content.texts.keys()
            found = [name for name in expected if name in present]
        else:
            found = list(self.content.columns)
        if found != expected:
            raise ValueError(f"columns {found} are not the schema's {expected}")

    def __len__(self) -> int:
        return len(self.content)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The features as a frame."""
        if isinstance(self.content, Columns):
            return self.content.frame[[spec.name for spec in self.specs]]
        return self.content

    @cached_property
    def columns(self) -> Columns:
        """The features as light columns."""
        return self.content if isinstance(self.content, Columns) else Columns.of(self.content)

    def some(self, names: list[str]) -> Columns:
        """Give at least these features as light columns, without making the others."""
        if isinstance(self.content, Columns):
            return self.content
        return Columns.of({name: self.content[name] for name in names})

    def take(self, rows: np.ndarray) -> FeatureTable:
        """Give the table of some rows."""
        return FeatureTable(self.frame.iloc[rows].reset_index(drop=True), self.specs)
