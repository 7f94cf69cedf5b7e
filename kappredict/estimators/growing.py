"""Where trees are grown: on one machine, or wherever a function of the same shape does it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import xgboost


class Grow(Protocol):
    """Grow a booster."""

    def __call__(
        self,
        settings: Mapping[str, Any],
        columns: np.ndarray,
        facts: Mapping[str, np.ndarray],
        rounds: int,
    ) -> xgboost.Booster:
        """Grow trees by XGBoost's `settings`.

        Parameters
        ----------
        columns
            Rows × columns, NaN where missing.
        facts
            What is known of each row beside its columns, by XGBoost's own name: `weight`, and
            `label` or `label_lower_bound` and `label_upper_bound`.
        """
        ...


@dataclass(frozen=True)
class GrowHere:
    """Grow trees in this process, on one thread."""

    def __call__(
        self,
        settings: Mapping[str, Any],
        columns: np.ndarray,
        facts: Mapping[str, np.ndarray],
        rounds: int,
    ) -> xgboost.Booster:
        """Grow a booster."""
        table = xgboost.DMatrix(columns, nthread=1, **facts)
        return xgboost.train(dict(settings), table, num_boost_round=rounds)
