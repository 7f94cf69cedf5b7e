"""An estimate: a figure with its 95 % interval."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A value with the bounds of its 95 % interval; NaN where the data do not give one."""

    value: float
    low: float
    high: float

    @classmethod
    def from_resamples(cls, value: float, resampled: np.ndarray) -> "Estimate":
        """Take the percentile interval of a bootstrap (Efron 1981).

        Resamples in which the figure does not exist (one outcome class, say) are left out; with
        more than one in twenty of them the rest is no fair sample, and there is no interval.
        """
        defined = resampled[np.isfinite(resampled)]
        if not np.isfinite(value) or len(defined) < max(1, 0.95 * len(resampled)):
            return cls(float(value), np.nan, np.nan)
        low, high = np.quantile(defined, [0.025, 0.975])
        return cls(float(value), float(low), float(high))
