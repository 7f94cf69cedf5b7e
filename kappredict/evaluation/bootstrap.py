"""The bootstrap by patient: one figure under many weights instead of many samples.

Drawing patients with replacement is the same as giving each patient the number of times that he or
she was drawn as a weight. A statistic therefore takes a matrix of weights, resamples × rows, and
answers for all resamples at once. All rows of a patient share a weight, because they are not
independent; and two statistics under the same seed see the same resamples, which pairs them.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TypeVar

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from kappredict.evaluation.estimate import Estimate

Name = TypeVar("Name", bound=Hashable)
Statistic = Callable[[np.ndarray], Mapping[Name, np.ndarray]]
"""From weights (resamples × rows) to the values of named figures, one per resample."""

# Weights are made in blocks of this many numbers: memory stays bounded, and near the processor.
_BLOCK = 100_000


def bootstrap(
    statistic: Statistic[Name],
    patients: np.ndarray,
    *,
    seed: int,
    resamples: int,
    weights: np.ndarray | None = None,
) -> dict[Name, Estimate]:
    """Give every figure of a statistic with its interval over resampled patients.

    Parameters
    ----------
    patients
        The patient of each row.
    weights
        The weight that each row has to begin with (1 if not given).
    """
    rows = np.ones(len(patients)) if weights is None else np.asarray(weights, dtype=float)
    # Blocks are small: on a busy machine a second thread costs three times what it gains.
    with threadpool_limits(limits=1, user_api="blas"):
        values = statistic(rows[None, :])
        blocks = [statistic(drawn * rows) for drawn in drawn_weights(patients, seed, resamples)]
    return {
        name: Estimate.from_resamples(
            value.item(), np.concatenate([np.empty(0), *(block[name] for block in blocks)])
        )
        for name, value in values.items()
    }


def drawn_weights(patients: np.ndarray, seed: int, resamples: int) -> Iterator[np.ndarray]:
    """Yield, block by block, how often each row's patient was drawn (resamples × rows)."""
    codes, names = pd.factorize(np.asarray(patients))
    rng = np.random.default_rng(seed)
    step = max(1, _BLOCK // max(1, len(codes)))
    for start in range(0, resamples, step):
        size = (min(step, resamples - start), len(names))
        drawn = rng.integers(max(1, len(names)), size=size)
        places = drawn + np.arange(size[0])[:, None] * len(names)
        counts = np.bincount(places.ravel(), minlength=size[0] * len(names)).reshape(size)
        yield counts[:, codes].astype(float)


def difference(first: Statistic[Name], second: Statistic[Name]) -> Statistic[Name]:
    """Make the statistic of what the first has more than the second, resample by resample."""

    def paired(weights: np.ndarray) -> dict[Name, np.ndarray]:
        others = second(weights)
        return {name: value - others[name] for name, value in first(weights).items()}

    return paired
