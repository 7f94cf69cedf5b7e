"""Many rows: a few of them to learn a description from, and all of them a block at a time."""

from collections.abc import Callable

import numpy as np

# What describes a population (who is assessed, how its columns vary) is known to three digits from
# so many rows; the models themselves are fitted to all.
ENOUGH = 100_000
_BLOCK = 50_000


def spread_out(n: int, most: int = ENOUGH) -> np.ndarray:
    """Give the places of at most `most` of n rows, evenly spread.

    >>> spread_out(3).tolist(), spread_out(9, 3).tolist()
    ([0, 1, 2], [0, 4, 8])
    """
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(int)


def by_block(ask: Callable[[np.ndarray], np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Give a function's answers for all rows, without working on more than a block at once."""
    starts = range(0, max(len(rows), 1), _BLOCK)
    return np.concatenate([ask(rows[start : start + _BLOCK]) for start in starts])
