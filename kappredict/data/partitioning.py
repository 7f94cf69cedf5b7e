"""Puts a source, or a study, into partitions: DuckDB deals the rows out, and spills what is large.

The partition of a row follows from its patient's id alone (the MD5, modulo the number of
partitions), so that a patient's rows meet whatever table or file they come from. Each partition
is then checked and written as a study by itself.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from shutil import rmtree

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from kappredict.config.catalogue import Catalogue
from kappredict.data.importing import Opened, add_views, open_files, opened
from kappredict.data.partitions import Checked, Work, here, joined, set_aside
from kappredict.data.readers import RawTable, RawTables, part_name, read_study_definition
from kappredict.data.tables import TABLES
from kappredict.data.validation import check
from kappredict.data.writers import replacing, write_definition, write_study
from kappredict.domain.studies import StudyDefinition
from kappredict.errors import DataError, UsageError

_NUMBER = "kappredict_partition"


def partition_import(
    import_folder: Path,
    source: Path | str,
    out: Path,
    catalogue: Catalogue,
    number: int,
    work: Work = here,
) -> Checked:
    """Run an import over a source, as `import_study` does, into a study in partitions.

    Raises
    ------
    UsageError, DefinitionError, DataError
        As from `import_study`; and if a partition would be left without a course.
    """
    read: list[Opened] = []

    def deal_out(raw: Path) -> None:
        with opened(import_folder, source, catalogue, raw) as found:
            read.append(found)
            for name in found.queries:
                with found.asked(name) as rows:
                    _deal_out(found.connection, rows, raw / name, number)

    checked = _partition(deal_out, import_folder, out, catalogue, number, work)
    problems = (*read[0].problems, *checked.problems)
    return replace(checked, problems=problems, notes=read[0].notes)


def partition_study(
    folder: Path, out: Path, catalogue: Catalogue, number: int, work: Work = here
) -> Checked:
    """Put the tables of a study into partitions.

    Raises
    ------
    UsageError, DataError
        If it cannot be read, or if a partition would be left without a course.
    """

    def deal_out(raw: Path) -> None:
        with open_files(folder, raw) as connection:
            views = add_views(connection, folder)
            for name in TABLES:
                if name in views:
                    _deal_out(connection, connection.view(name), raw / name, number)

    try:
        return _partition(deal_out, folder, out, catalogue, number, work)
    except duckdb.Error as error:
        raise DataError(
            f"{folder}: cannot be put into partitions; `kappredict validate {folder}` says why"
        ) from error


def _partition(
    deal_out: Callable[[Path], None],
    described: Path,
    out: Path,
    catalogue: Catalogue,
    number: int,
    work: Work,
) -> Checked:
    """Deal rows out, then check and write each partition; all of the study appears, or nothing."""
    definition = read_study_definition(described)
    with replacing(out) as fresh:
        raw = fresh / "raw"
        raw.mkdir()
        deal_out(raw)
        _refuse_empty(raw, number)
        write_definition(definition, fresh)
        parts = [fresh / part_name(place) for place in range(number)]
        settle = partial(_settle, raw=raw.resolve(), definition=definition, catalogue=catalogue)
        checked = joined(fresh, list(work(settle, parts)))
        rmtree(raw)
        return checked


def _deal_out(
    connection: duckdb.DuckDBPyConnection, rows: duckdb.DuckDBPyRelation, to: Path, number: int
) -> None:
    """Write the rows of a table as Parquet, a folder for each partition."""
    rows.create_view("found", replace=True)
    if "patient_id" in TABLES[to.name].names:
        those, patient = "found", "found.patient_id"
    else:
        those = f"found LEFT JOIN owners ON owners.course = {_text('found.course_id')}"
        # Rows of an unknown course are dealt out, too, and rejected where they arrive.
        patient = f"coalesce(owners.patient, {_text('found.course_id')})"
    place = f"md5_number_lower(coalesce({_text(patient)}, '')) % {number}"
    connection.execute(
        f"COPY (SELECT found.*, {place} AS {_NUMBER} FROM {those}) TO '{to}' "  # noqa: S608
        f"(FORMAT parquet, PARTITION_BY ({_NUMBER}))"
    )
    if to.name == "courses":
        connection.execute(
            f"CREATE TABLE owners AS SELECT {_text('course_id')} AS course, "  # noqa: S608
            f"min({_text('patient_id')}) AS patient FROM found GROUP BY course"
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
