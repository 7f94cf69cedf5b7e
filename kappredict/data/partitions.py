"""A study in partitions: a folder of study folders, every patient whole in one of them.

A partition is a study like any other, so whatever is computed by patient or by course is computed
of each partition by the function that a whole study goes through, and the answers are joined.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import duckdb

from kappredict.config.catalogue import Catalogue
from kappredict.data.problems import Problem
from kappredict.data.readers import parts_of, read_tables
from kappredict.data.validation import CheckedStudy, check, refuse_problems
from kappredict.data.writers import write_rejected

T = TypeVar("T")
# All that is computed by patient or by course relies on these being in one partition only.
_WHOLE = {"patients": "patient_id", "courses": "course_id"}


class Work(Protocol):
    """How partitions are worked on: one after the other (`here`), or several at once."""

    def __call__(self, ask: Callable[[Path], T], parts: Sequence[Path]) -> Iterable[T]:
        """Ask every partition, and give the answers in the partitions' order."""
        ...


def here(ask: Callable[[Path], T], parts: Sequence[Path]) -> Iterator[T]:
    """Work on one partition after the other, in this process."""
    return map(ask, parts)


@dataclass(frozen=True)
class Checked:
    """What checking a study gave: its accepted rows by table, problems, and the rows rejected.

    `notes` count what an import left aside because it is no part of a study.
    """

    rows: Mapping[str, int]
    problems: tuple[Problem, ...]
    rejected: int
    notes: tuple[str, ...] = ()


def check_study(folder: Path, catalogue: Catalogue, work: Work = here) -> Checked:
    """Check a study, whole or in partitions; rejected rows are written beside their tables.

    Raises
    ------
    DataError, DefinitionError
        If it cannot be read at all.
    """
    parts = parts_of(folder)
    if not parts:
        return set_aside(folder, check(read_tables(folder), catalogue))
    return joined(folder, list(work(partial(_check_part, catalogue=catalogue), parts)))


def joined(folder: Path, checked: Sequence[Checked]) -> Checked:
    """Add up what checking the partitions of a study gave, and check what crosses them."""
    rows: Counter[str] = Counter()
    problems: list[Problem] = []
    for part, one in zip(parts_of(folder), checked, strict=True):
        rows.update(one.rows)
        problems += [replace(found, file=f"{part.name}/{found.file}") for found in one.problems]
    problems += crossing(folder)
    return Checked(rows, tuple(problems), sum(one.rejected for one in checked))


def set_aside(folder: Path, checked: CheckedStudy) -> Checked:
    """Write the rejected rows of a study beside its tables, and say what checking it gave."""
    if checked.problems:
        write_rejected(checked.rejected, folder)
    return Checked(
        {name: len(rows) for name, rows in checked.study.tables.items()},
        checked.problems,
        sum(len(rows) for rows in checked.rejected.values()),
    )


def crossing(folder: Path) -> tuple[Problem, ...]:
    """Find patients and courses that are in more than one partition."""
    found = []
    for table, column in _WHOLE.items():
        files = [str(part / f"{table}.parquet") for part in parts_of(folder)]
        several = duckdb.sql(
            f"SELECT {column} FROM read_parquet($files, filename = true) "  # noqa: S608  # our names
            f"GROUP BY {column} HAVING count(DISTINCT filename) > 1",
            params={"files": files},
        )
        if number := len(several):
            rule = f"{number:,} are in more than one partition"
            remedy = "partition the study anew; give different courses different ids"
            found.append(Problem(table, None, column, rule, remedy))
    return tuple(found)


def refuse_crossing(folder: Path) -> None:
    """Raise a `DataError` where a patient or a course is in more than one partition."""
    refuse_problems(crossing(folder), str(folder), f"kappredict validate {folder}")


def _check_part(part: Path, catalogue: Catalogue) -> Checked:
    return set_aside(part, check(read_tables(part), catalogue))
