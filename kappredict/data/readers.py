"""Reads a study's folder: first as found, then checked."""

import difflib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from kappredict.config.reader import read_definition
from kappredict.data.problems import Problem
from kappredict.data.tables import TABLES
from kappredict.domain.studies import StudyDefinition
from kappredict.errors import DataError

_ENDINGS = (".parquet", ".csv", ".csv.gz")
_NOT_TABLES = {"truth"}  # what a simulation knows and a study must not
_PART = "part-"


@dataclass(frozen=True)
class RawTable:
    """A table as found in a file; its labels are the row numbers that a message names."""

    file: str
    rows: pd.DataFrame


@dataclass(frozen=True)
class RawTables:
    """A study as found: its definition, its tables, and what could not be read.

    `notes` counts what an import left aside because it is no part of a study.
    """

    definition: StudyDefinition
    tables: Mapping[str, RawTable]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def read_tables(folder: Path) -> RawTables:
    """Read `study.yaml` and every table of a study as found; CSV stays text.

    Raises
    ------
    DataError
        If there is no such folder, it has no `study.yaml`, or it is a study in partitions.
    DefinitionError
        If `study.yaml` is wrong.
    """
    definition = read_study_definition(folder)
    if parts := parts_of(folder):
        raise DataError(
            f"{folder}: is a study in {len(parts)} partitions; each of them is a study by itself "
            f"({parts[0]}), and `kappredict validate` and `train` take all of them"
        )
    tables: dict[str, RawTable] = {}
    problems: list[Problem] = []
    for path in sorted(folder.iterdir()):
        name = table_name(path)
        if name is None or name in _NOT_TABLES:
            continue
        problem = _misplaced(path.name, name, tables)
        found = _read(path) if problem is None else problem
        if isinstance(found, Problem):
            problems.append(found)
        else:
            tables[name] = found
    return RawTables(definition, tables, tuple(problems))


def part_name(number: int) -> str:
    """Give the name of a partition's folder."""
    return f"{_PART}{number:05d}"


def parts_of(folder: Path) -> list[Path]:
    """Give the partitions of a study, in order; none where it is whole."""
    return sorted(folder.glob(f"{_PART}*/"))


def read_study_definition(folder: Path) -> StudyDefinition:
    """Read the `study.yaml` of a study, or of an import.

    Raises
    ------
    DataError
        If there is no such folder, or it has no `study.yaml`.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder; a study is a folder with a study.yaml")
    if not (folder / "study.yaml").is_file():
        raise DataError(
            f"{folder}: there is no study.yaml in it; add one, or name the study's own folder"
        )
    return read_definition(folder / "study.yaml", StudyDefinition)


def table_name(path: Path, endings: tuple[str, ...] = _ENDINGS) -> str | None:
    """Give a file's name without its ending, or None where the ending is not one of a table.

    >>> table_name(Path("study/patients.csv.gz")), table_name(Path("study/notes.txt"))
    ('patients', None)
    """
    fitting = [ending for ending in endings if path.name.lower().endswith(ending)]
    return path.name[: -len(max(fitting, key=len))] if fitting else None


def _misplaced(file: str, name: str, tables: Mapping[str, RawTable]) -> Problem | None:
    if name in tables:
        rule = f"a second file for the same table as {tables[name].file}"
        return Problem(file, None, None, rule, "keep one of the two")
    if name not in TABLES:
        near = difflib.get_close_matches(name, TABLES, n=1)
        remedy = f"did you mean '{near[0]}'?" if near else "move it out of the study"
        return Problem(file, None, None, f"'{name}' is no table of a study", remedy)
    return None


def _read(path: Path) -> RawTable | Problem:
    try:
        rows = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
    except UnicodeDecodeError:
        return _unreadable(path, "is not UTF-8 text", "save it as UTF-8")
    except pd.errors.EmptyDataError:
        return _unreadable(path, "is empty, without even a header", "give it a header line")
    except (OSError, ValueError, EOFError, zlib.error) as error:
        reason = str(error).strip().splitlines()[0]
        return _unreadable(path, f"cannot be read ({reason})", "restore or rewrite the file")
    if not isinstance(rows.index, pd.RangeIndex) and path.suffix.lower() != ".parquet":
        return _unreadable(path, "its rows have more cells than its header", "correct the header")
    return RawTable(path.name, _numbered(rows, path))


def _unreadable(path: Path, rule: str, remedy: str) -> Problem:
    return Problem(path.name, None, None, rule, remedy)


def _read_parquet(path: Path) -> pd.DataFrame:
    return pq.read_table(path).to_pandas(ignore_metadata=True)


def _read_csv(path: Path) -> pd.DataFrame:
    # Blank lines are kept while reading, so that a row's number is its line in the file.
    return pd.read_csv(
        path,
        dtype="str",
        keep_default_na=False,
        na_values=[""],
        skip_blank_lines=False,
        encoding="utf-8-sig",
    )


def _numbered(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Label rows with their number: the line of a CSV file, the 1-based row of a Parquet file."""
    first = 1 if path.suffix.lower() == ".parquet" else 2
    numbered = rows.set_axis(pd.RangeIndex(first, first + len(rows)), axis=0)
    return numbered if first == 1 else numbered.dropna(how="all")
