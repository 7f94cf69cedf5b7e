"""Problems found in a study's files: where, which rule was broken, and what to do about it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

_MOST_ROWS = 1000  # rows listed one by one per rule; the rejected rows are always complete


@dataclass(frozen=True)
class Problem:
    """One broken rule at one place; it names the place and never the value found there.

    `row` is the line of a CSV file (its header is line 1), and the 1-based row of a Parquet file or
    of a query's result.
    """

    file: str
    row: int | None
    column: str | None
    rule: str
    remedy: str

    def __str__(self) -> str:
        row = "" if self.row is None else f", row {self.row}"
        column = "" if self.column is None else f", column {self.column}"
        return f"{self.file}{row}{column}: {self.rule}; {self.remedy}"


@dataclass(frozen=True)
class Fault:
    """A rule that some rows of a table break; `rows` are their labels in the table.

    `follows` marks rows that only share the fate of others, which are listed where they are.
    """

    rows: pd.Index
    column: str
    rule: str
    remedy: str
    follows: bool = False

    def in_file(self, file: str) -> Iterator[Problem]:
        """List the rows as problems; beyond the first thousand they are counted together."""
        if self.follows:
            rule = f"{self.rule} (rows: {len(self.rows):,})"
            yield Problem(file, None, self.column, rule, self.remedy)
            return
        for row in self.rows[:_MOST_ROWS]:
            yield Problem(file, int(row), self.column, self.rule, self.remedy)
        more = len(self.rows) - _MOST_ROWS
        if more > 0:
            rule = f"{self.rule} (and so {more:,} more rows)"
            yield Problem(file, None, self.column, rule, self.remedy)
