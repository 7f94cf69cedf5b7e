"""A feature table: one row per cohort row, columns in schema order, missing kept missing."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kappredict.domain.features import FeatureSpec


@dataclass(frozen=True)
class FeatureTable:
    """Features of each course, with what every column means.

    `frame` has the course's row number as index; numeric and flag columns are float64 with NaN
    where missing, categories are text with NA.

    Raises
    ------
    ValueError
        If the columns are not those of the specs, in their order.
    """

    frame: pd.DataFrame
    specs: tuple[FeatureSpec, ...]

    def __post_init__(self) -> None:
        expected = [spec.name for spec in self.specs]
        if list(self.frame.columns) != expected:
            raise ValueError(f"columns {list(self.frame.columns)} are not the schema's {expected}")

    def take(self, rows: np.ndarray) -> "FeatureTable":
        """Give the table of some rows."""
        return FeatureTable(self.frame.iloc[rows].reset_index(drop=True), self.specs)
