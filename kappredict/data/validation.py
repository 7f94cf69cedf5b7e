"""Checks a study's tables: every problem of every table at once, the good rows, and the others."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kappredict.config.catalogue import Catalogue
from kappredict.data.consistency import Checked, inconsistencies
from kappredict.data.problems import Fault, Problem
from kappredict.data.readers import RawTable, RawTables, read_tables
from kappredict.data.schema import to_text, typed
from kappredict.data.study import Study
from kappredict.data.tables import TABLES, Table, extra_columns
from kappredict.domain.studies import StudyDefinition
from kappredict.errors import DataError

MARK = "synthetic"  # the column that marks every row of a synthetic study
_NEEDED = ("patients", "courses")
_MOST_SHOWN = 20


@dataclass(frozen=True)
class CheckedStudy:
    """What checking gave: a study of the good rows, all problems, and the rejected rows.

    `rejected` has, for each table with any, the rows as found, after the columns `row` (its number
    in the file) and `rule` (all rules it breaks). A row that refers to a rejected row is rejected.
    """

    study: Study
    problems: tuple[Problem, ...]
    rejected: Mapping[str, pd.DataFrame]


def load_study(folder: Path, catalogue: Catalogue) -> Study:
    """Read and check a study.

    Raises
    ------
    DataError
        If anything is wrong with it, with the first problems and their number.
    """
    checked = check(read_tables(folder), catalogue)
    refuse_problems(checked.problems, str(folder), f"kappredict validate {folder}")
    return checked.study


def refuse_problems(problems: tuple[Problem, ...], place: str, command: str) -> None:
    """Raise a `DataError` that lists the first problems, if there are any."""
    if not problems:
        return
    shown = "\n".join(f"  {problem}" for problem in problems[:_MOST_SHOWN])
    number = f"{len(problems):,} problem" + ("s" if len(problems) > 1 else "")
    more = f"\n  … and {len(problems) - _MOST_SHOWN:,} more" if len(problems) > _MOST_SHOWN else ""
    raise DataError(f"{place}: {number}\n{shown}{more}\nRun `{command}` to see all of them.")


def check(raw: RawTables, catalogue: Catalogue) -> CheckedStudy:
    """Check every table of a study, cell by cell and against each other.

    Raises
    ------
    DefinitionError
        If the study's own definitions are wrong.
    """
    own = catalogue.for_study(raw.definition) if raw.definition.conditions else catalogue
    problems = [*raw.problems, *_absent_tables(raw)]
    checked: dict[str, Checked] = {}
    rejected: dict[str, pd.DataFrame] = {}
    for name, table in TABLES.items():  # a table comes after those it refers to
        if name not in raw.tables:
            continue
        found = raw.tables[name]
        wrong = list(_wrong_columns(found, table, raw.definition))
        problems += wrong
        if not set(table.required) <= set(found.rows.columns):
            continue
        rows, faults = typed(found.rows, table, raw.definition)
        if len(rows):
            faults += inconsistencies(rows, table, checked, own)
            faults += _unmarked(found.rows, raw.definition)
        problems += [problem for fault in faults for problem in fault.in_file(found.file)]
        bad = _rules_broken(faults)
        checked[name] = Checked(rows, rows.drop(index=bad.index))
        if len(bad):
            rejected[name] = _rejected(found.rows, bad)
    accepted = {name: table.accepted for name, table in checked.items()}
    return CheckedStudy(Study.of(raw.definition, accepted), tuple(problems), rejected)


def _absent_tables(raw: RawTables) -> Iterator[Problem]:
    unreadable = {problem.file.split(".")[0] for problem in raw.problems}
    for name in _NEEDED:
        if name not in raw.tables and name not in unreadable:
            yield Problem(name, None, None, "the table is missing", f"add {name}.csv or .parquet")
        elif name in raw.tables and raw.tables[name].rows.empty:
            file = raw.tables[name].file
            yield Problem(file, None, None, "has no rows", f"give it a row for each of {name}")


def _wrong_columns(found: RawTable, table: Table, definition: StudyDefinition) -> Iterator[Problem]:
    """Name missing and undeclared columns; a misspelt one is a single problem."""
    present = [str(column) for column in found.rows.columns]
    extra = tuple(column.name for column in extra_columns(table, definition))
    strange = [name for name in present if name not in {*table.names, *extra, MARK}]
    for name in (*table.required, *extra):
        if name in present:
            continue
        near = difflib.get_close_matches(name, strange, n=1)
        strange = [other for other in strange if other not in near]
        remedy = f"rename '{near[0]}', if that is it" if near else "add the column"
        kind = "required" if name in table.required else "declared in study.yaml but"
        yield Problem(found.file, None, name, f"the column is {kind} missing", remedy)
    for name in strange:
        near = difflib.get_close_matches(name, {*table.names, *extra} - set(present), n=1)
        remedy = f"did you mean '{near[0]}'?" if near else _declare(table)
        yield Problem(found.file, None, name, "the column is not declared", remedy)
    if MARK in present and not definition.synthetic:
        remedy = "say `synthetic: true` in study.yaml; simulated people are never real ones"
        yield Problem(found.file, None, MARK, "the rows are marked as synthetic", remedy)


def _declare(table: Table) -> str:
    if table.name in _NEEDED:
        return f"declare it under columns.{table.name} in study.yaml, or leave it out"
    return "leave it out"


def _unmarked(rows: pd.DataFrame, definition: StudyDefinition) -> list[Fault]:
    """Find rows that a synthetic study does not mark as synthetic."""
    if not definition.synthetic or MARK not in rows.columns:
        return []
    unmarked = to_text(rows[MARK]).str.lower() != "true"
    rule = "is not marked in a synthetic study"
    return [Fault(rows.index[unmarked], MARK, rule, "never mix real and synthetic rows")]


def _rules_broken(faults: list[Fault]) -> pd.Series:
    """Give, for each bad row, the rules it breaks."""
    rules = [
        pd.Series(f"{fault.column}: {fault.rule}", index=fault.rows, dtype="str")
        for fault in faults
    ]
    if not rules:
        return pd.Series(dtype="str")
    together = pd.concat(rules)
    several = together.index.duplicated(keep=False)
    joined = together[several].groupby(level=0).agg("; ".join)
    return pd.concat([together[~several], joined]).sort_index()


def _rejected(rows: pd.DataFrame, rules: pd.Series) -> pd.DataFrame:
    bad = rows.loc[rules.index].reset_index(drop=True)
    return pd.concat([pd.DataFrame({"row": rules.index, "rule": rules.to_numpy()}), bad], axis=1)
