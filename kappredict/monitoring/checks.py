"""Checks: comparisons of what is served with what was trained and validated, and when they alarm.

A model is looked at once a month. Without drift a look alarms with a chance of at most
`FALSE_ALARMS`, whatever is checked: each family of checks has a share of it (Bonferroni 1936), and
shares its own among its checks by Holm's method (1979), which holds however they depend on one
another. A family that needs few patients to see what matters has a small share; a slope, which
needs many, has most of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

FALSE_ALARMS = 0.05
Family = Literal["inputs", "overall", "predictions", "level", "slope", "net_benefit", "sites"]
SHARES: dict[Family, float] = {
    "inputs": 0.1,
    "overall": 0.04,
    "predictions": 0.04,
    "level": 0.16,
    "slope": 0.6,
    "net_benefit": 0.03,
    "sites": 0.03,
}


@dataclass(frozen=True)
class Check:
    """One comparison: what is found in the last `n` patients, and what was usual.

    `p` is the chance of a difference as large without drift, `adjusted` the same for all checks of
    the family together.
    """

    family: Family
    what: str
    found: float
    usual: float
    n: int
    p: float
    adjusted: float = 1.0
    alarm: bool = False


def judge(checks: Sequence[Check]) -> list[Check]:
    """Decide which checks alarm, with the family's share of the false alarms."""
    judged: list[Check] = []
    for family, share in SHARES.items():
        own = [one for one in checks if one.family == family and np.isfinite(one.p)]
        adjusted = holm(np.array([one.p for one in own]))
        judged += [
            replace(one, adjusted=float(p), alarm=bool(p <= share * FALSE_ALARMS))
            for one, p in zip(own, adjusted, strict=True)
        ]
    return judged


def holm(p: np.ndarray) -> np.ndarray:
    """Give p-values adjusted for one another (Holm 1979).

    >>> holm(np.array([0.01, 0.04, 0.02])).tolist()
    [0.03, 0.04, 0.04]
    """
    order = np.argsort(p)
    stepped = np.arange(len(p), 0, -1) * p[order]
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted
