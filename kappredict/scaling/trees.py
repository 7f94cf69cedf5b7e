"""Trees grown on a cluster: `xgboost.dask` in the place of `kappredict.estimators.growing`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost

# A worker that dies takes its rows with it: they are sent anew, and the trees grown again.
_ATTEMPTS = 3
# How long workers wait for each other before they begin; a dead one never comes.
_MEET_SECONDS = 60


@dataclass(frozen=True)
class GrowOnCluster:
    """Grow trees on all workers of a Dask cluster, each on an equal share of the rows.

    Rows are sent as float32, which is all that XGBoost keeps of them anyway.
    """

    client: Any

    def __call__(
        self,
        settings: Mapping[str, Any],
        columns: np.ndarray,
        facts: Mapping[str, np.ndarray],
        rounds: int,
    ) -> xgboost.Booster:
        """Grow a booster; the same rows on as many workers give the same one."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._grow(settings, columns, facts, rounds)
            except (xgboost.core.XGBoostError, RuntimeError, OSError):
                continue
        return self._grow(settings, columns, facts, rounds)

    def _grow(
        self,
        settings: Mapping[str, Any],
        columns: np.ndarray,
        facts: Mapping[str, np.ndarray],
        rounds: int,
    ) -> xgboost.Booster:
        from xgboost import dask as on_dask  # noqa: PLC0415  # an extra
        from xgboost.collective import Config  # noqa: PLC0415

        table = on_dask.DaskQuantileDMatrix(
            self.client,
            self._dealt_out(columns),
            **{name: self._dealt_out(values) for name, values in facts.items()},
        )
        meeting = Config(tracker_timeout=_MEET_SECONDS)
        grown = on_dask.train(
            self.client, dict(settings), table, num_boost_round=rounds, coll_cfg=meeting
        )
        return grown["booster"]

    def _dealt_out(self, values: np.ndarray) -> Any:
        """Send each worker its share of the rows, in the order of their addresses."""
        import dask.array as da  # noqa: PLC0415  # an extra

        workers = sorted(self.client.scheduler_info(n_workers=-1)["workers"])
        parts = []
        for worker, share in zip(workers, np.array_split(values, len(workers)), strict=True):
            sent = self.client.scatter(share.astype("float32"), workers=[worker], hash=False)
            parts.append(da.from_delayed(sent, shape=share.shape, dtype="float32"))
        return da.concatenate(parts)
