"""Puts a source, or a study, into partitions: DuckDB deals the rows out, and spills what is large.

The partition of a row follows from its patient's id alone (the MD5, modulo the number of
partitions), so that a patient's rows meet whatever table or file they come from. Each partition
is then checked and written as a study by itself.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from shutil import rmtree

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from kappredict.config.catalogue import Catalogue
from kappredict.data.importing import add_views, only_select, open_source, queries_of, worded
from kappredict.data.partitions import Checked, Work, here, joined, set_aside
from kappredict.data.readers import RawTable, RawTables, part_name, read_study_definition
from kappredict.data.tables import TABLES
from kappredict.data.validation import check
from kappredict.data.writers import replacing, write_definition, write_study
from kappredict.domain.studies import StudyDefinition
from kappredict.errors import UsageError

Selects = Mapping[Path, str]
"""One SELECT for each table: a path that is named after it and is shown in messages, and its SQL"""

_NUMBER = "kappredict_partition"
_RAW = "raw"


def selects_of_import(import_folder: Path) -> Selects:
    """Give the SELECTs of an import folder.

    Raises
    ------
    DefinitionError
        If the import is incomplete, or a query is no single SELECT.
    """
    found = {}
    for path in queries_of(import_folder).values():
        with worded(path, []):
            found[path] = only_select(path)
    return found


def selects_of_study(folder: Path) -> Selects:
    """Give the SELECTs that take a study's tables as they are."""
    stems = {path.name.split(".")[0] for path in folder.iterdir()}
    return {folder / name: f'SELECT * FROM "{name}"' for name in TABLES if name in stems}  # noqa: S608  # our own names


def partition(
    selects: Selects, source: Path, out: Path, catalogue: Catalogue, number: int, work: Work = here
) -> Checked:
    """Deal a source's rows out into a study in partitions, in place of the study that may be there.

    `study.yaml` lies beside the queries.

    Raises
    ------
    UsageError, DefinitionError, DataError
        As from `import_study`; and if a partition would be left without a course.
    """
    definition = read_study_definition(next(iter(selects)).parent)
    with replacing(out) as fresh:
        raw = fresh / _RAW
        raw.mkdir()
        with open_source(source, raw) as connection:
            views = add_views(connection, source)
            for path, select in selects.items():
                with worded(path, views):
                    _deal_out(connection, path.stem, select, raw, number)
        write_definition(definition, fresh)
        parts = [fresh / part_name(place) for place in range(number)]
        _refuse_empty(raw, number)
        settle = partial(_settle, raw=raw, definition=definition, catalogue=catalogue)
        checked = joined(fresh, list(work(settle, parts)))
        rmtree(raw)
        return checked


def _deal_out(
    connection: duckdb.DuckDBPyConnection, table: str, select: str, raw: Path, number: int
) -> None:
    """Write the rows of one query as Parquet, a folder for each partition."""
    if "patient_id" in TABLES[table].names:
        rows, patient = f"FROM (\n{select}\n) AS found", "found.patient_id"
    else:
        owner = f"LEFT JOIN owners ON owners.course = {_text('found.course_id')}"
        rows = f"FROM (\n{select}\n) AS found {owner}"
        # Rows of an unknown course are dealt out, too, and rejected where they arrive.
        patient = "coalesce(owners.patient, found.course_id)"
    place = f"md5_number_lower(coalesce({_text(patient)}, '')) % {number}"
    connection.execute(
        f"COPY (SELECT found.*, {place} AS {_NUMBER} {rows}) TO '{raw / table}' "
        f"(FORMAT parquet, PARTITION_BY ({_NUMBER}))"
    )
    if table == "courses":
        connection.execute(
            f"CREATE TEMP TABLE owners AS SELECT {_text('course_id')} AS course, "  # noqa: S608
            f"min({_text('patient_id')}) AS patient FROM (\n{select}\n) GROUP BY course"
        )


def _text(column: str) -> str:
    return f"CAST({column} AS VARCHAR)"


def _refuse_empty(raw: Path, number: int) -> None:
    for table in ("patients", "courses"):
        filled = len([*(raw / table).glob(f"{_NUMBER}=*")])
        if filled < number:
            raise UsageError(
                f"{number} partitions are too many: {number - filled} have no row of {table}; "
                f"ask for fewer"
            )


def _settle(part: Path, raw: Path, definition: StudyDefinition, catalogue: Catalogue) -> Checked:
    """Check the rows of a partition as they came, and write what is sound of them."""
    place = int(part.name.rsplit("-", 1)[1])
    tables = {
        table: RawTable(table, _numbered(folder))
        for table in TABLES
        if (folder := raw / table / f"{_NUMBER}={place}").is_dir()
    }
    checked = check(RawTables(definition, tables), catalogue)
    write_study(checked.study, part)
    return set_aside(part, checked)


def _numbered(folder: Path) -> pd.DataFrame:
    rows = pq.read_table(folder, partitioning=None).to_pandas(ignore_metadata=True)
    return rows.set_axis(pd.RangeIndex(1, len(rows) + 1), axis=0)
