"""Light tables: numbers as arrays and text as numbered words, where a frame would cost too much.

A pandas operation costs a hundred microseconds however few its rows; the features of one patient
take hundreds of them. Importing pandas takes a third of a second, which a service does not need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Words:
    """A column of text: `codes` says which of `words` each row has, -1 where it is missing."""

    codes: np.ndarray
    words: tuple[str, ...]

    @classmethod
    def of(cls, values: Sequence[str | None]) -> Words:
        """Make a column of a short list; words are numbered in the order in which they come."""
        places: dict[str, int] = {}
        codes = [-1 if one is None else places.setdefault(one, len(places)) for one in values]
        return cls(np.array(codes, dtype=np.intp), tuple(places))

    @classmethod
    def missing(cls, n: int) -> Words:
        """Make a column in which nothing is known."""
        return cls(np.full(n, -1), ())

    def take(self, rows: np.ndarray) -> Words:
        """Give the column of some rows."""
        return Words(self.codes[rows], self.words)

    def are(self, word: str) -> np.ndarray:
        """Tell which rows have a word."""
        return self.are_among([one == word for one in self.words])

    def are_among(self, wanted: Sequence[bool]) -> np.ndarray:
        """Tell which rows have a wanted word, given for each word whether it is one."""
        return np.array([*wanted, False])[self.codes]

    @property
    def array(self) -> pd.api.extensions.ExtensionArray:
        """The text of each row, as pandas keeps it."""
        import pandas as pd

        return pd.array(np.array([*self.words, np.nan], dtype=object)[self.codes], dtype="str")


@dataclass(frozen=True)
class Columns:
    """A table of `numbers` (float64, NaN where missing) and `texts`, all of one length."""

    numbers: Mapping[str, np.ndarray]
    texts: Mapping[str, Words]

    def __len__(self) -> int:
        codes = (one.codes for one in self.texts.values())
        return len(next(chain(self.numbers.values(), codes), ()))

    @classmethod
    def of(cls, frame: pd.DataFrame | Mapping[str, pd.Series]) -> Columns:
        """Make light columns of a frame, or of some of its columns.

        Numbers and flags become numbers, anything else text.
        """
        import pandas as pd

        numbers: dict[str, np.ndarray] = {}
        texts: dict[str, Words] = {}
        for name, values in frame.items():
            if pd.api.types.is_numeric_dtype(values):  # flags are, too
                numbers[str(name)] = values.to_numpy(dtype="float64", na_value=np.nan)
            else:
                texts[str(name)] = _words(values)
        return cls(numbers, texts)

    def known(self, name: str) -> np.ndarray:
        """Tell in which rows a column is known."""
        if name in self.texts:
            return self.texts[name].codes >= 0
        return ~np.isnan(self.numbers[name])

    @property
    def frame(self) -> pd.DataFrame:
        """The table as a frame."""
        import pandas as pd

        texts = {name: column.array for name, column in self.texts.items()}
        return pd.DataFrame({**self.numbers, **texts})

    def take(self, rows: np.ndarray) -> Columns:
        """Give the table of some rows."""
        return Columns(
            {name: column[rows] for name, column in self.numbers.items()},
            {name: column.take(rows) for name, column in self.texts.items()},
        )

    def with_numbers(self, **numbers: np.ndarray) -> Columns:
        """Give the table with some columns of numbers added or replaced."""
        return Columns({**self.numbers, **numbers}, self.texts)


def _words(values: pd.Series) -> Words:
    import pandas as pd

    codes, words = pd.factorize(values.astype("str"))
    return Words(codes, tuple(words))
