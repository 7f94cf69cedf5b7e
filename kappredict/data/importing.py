"""Imports a study by SQL: one `SELECT` per table, run by DuckDB over a source's files.

What several queries need is a query of its own in the import's `shared/`, run once; its rows are a
table named by its file. A PostgreSQL database is copied to files first.
"""

import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from kappredict.config.catalogue import Catalogue
from kappredict.data.fhir.bulk import BulkRead, add_bulk_tables, is_bulk_file
from kappredict.data.fhir.elements import Definitions
from kappredict.data.postgresql import Copy, copied, is_address
from kappredict.data.problems import Problem
from kappredict.data.queries import shared_queries, tables_read
from kappredict.data.readers import RawTable, RawTables, read_study_definition, table_name
from kappredict.data.tables import TABLES
from kappredict.data.vocabulary import PREFIX, catalogue_views
from kappredict.errors import DataError, DefinitionError, UsageError

# ending: the DuckDB function that reads it. Whole files are looked at to find the types, so that a
# late odd value makes a column text instead of an error.
_FUNCTIONS = {
    ".csv": "read_csv({path}, header = true, sample_size = -1)",
    ".tsv": "read_csv({path}, header = true, sample_size = -1, delim = '\t')",
    ".parquet": "read_parquet({path})",
    ".ndjson": "read_json({path}, sample_size = -1, format = 'newline_delimited')",
    ".jsonl": "read_json({path}, sample_size = -1, format = 'newline_delimited')",
    ".json": "read_json({path}, sample_size = -1)",
}
_PACKED = (".csv", ".tsv", ".ndjson", ".jsonl", ".json")
_READERS = _FUNCTIONS | {f"{ending}.gz": _FUNCTIONS[ending] for ending in _PACKED}
_NEEDED = ("patients", "courses")
_MEMORY = "2GiB"  # what DuckDB holds before it spills


def import_study(import_folder: Path, source: Path | str, catalogue: Catalogue) -> RawTables:
    """Run an import over a source.

    Parameters
    ----------
    import_folder
        A folder with `study.yaml` and a `<table>.sql` for each table the source can fill.
    source
        A folder of CSV, TSV, Parquet, NDJSON or JSON files (gzip included). Each is a view named
        by its file: `asi.csv.gz` is `asi`. NDJSON of FHIR resources is read by the service's own
        mapping, into the tables `fhir_…` of `kappredict.data.fhir.bulk`. Or the address of a
        PostgreSQL database, whose tables are those views: see `kappredict.data.postgresql`.
    catalogue
        What the import may look codes up in: see `kappredict.data.vocabulary`.

    Raises
    ------
    UsageError
        If the source is no folder, or has no such file, or is a database that cannot be opened.
    DefinitionError
        If the import is incomplete, or a query is no single SELECT or does not run.
    DataError
        If a source's file or table cannot be read.
    """
    definition = read_study_definition(import_folder)
    with opened(import_folder, source, catalogue) as found:
        tables = {name: _run(found, name) for name in found.queries}
    return RawTables(definition, tables, found.problems, found.notes)


@dataclass(frozen=True)
class Opened:
    """A source as the queries of an import see it, and the queries by table.

    `problems` and `notes` are what reading FHIR resources found, and left aside.
    """

    connection: duckdb.DuckDBPyConnection
    queries: dict[str, Path]
    views: list[str]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]

    @contextmanager
    def asked(self, name: str) -> Iterator[duckdb.DuckDBPyRelation]:
        """Give the answer to a table's query; whatever goes wrong with it names the query."""
        with _blamed_on(self.queries[name], self.views):
            yield _select(self.connection, self.queries[name])


@contextmanager
def opened(
    import_folder: Path, source: Path | str, catalogue: Catalogue, room: Path | None = None
) -> Iterator[Opened]:
    """Open a source for the queries of an import; for the parameters and errors: `import_study`.

    Parameters
    ----------
    room
        A folder that may be written to: DuckDB then keeps at most 2 GiB in memory and spills.
    """
    queries, shared = _queries(import_folder), shared_queries(import_folder)
    with (
        _files(source, [*queries.values(), *shared.values()]) as copy,
        open_files(copy.folder, room) as connection,
    ):
        views = [*add_views(connection, copy.folder), *copy.tables]
        for name, rows in catalogue_views(catalogue).items():
            connection.register(name, rows)
        read = _add_bulk(connection, copy.folder, catalogue)
        for name, query in shared.items():
            with _blamed_on(query, views):
                _select(connection, query).create(name)
        yield Opened(connection, queries, views, tuple(read.problems), read.notes)


def _add_bulk(
    connection: duckdb.DuckDBPyConnection, source: Path, catalogue: Catalogue
) -> BulkRead:
    """Read the source's FHIR resources, if it has any, by the service's own mapping."""
    files = [path for path in sorted(source.resolve().iterdir()) if is_bulk_file(path)]
    if not files:
        return BulkRead()
    known = Definitions.of(catalogue.conditions, catalogue.instruments, catalogue.terminology)
    return add_bulk_tables(connection, files, known)


def _queries(folder: Path) -> dict[str, Path]:
    found = {path.stem: path for path in sorted(folder.glob("*.sql"))}
    problems = [f"{name}.sql is missing" for name in _NEEDED if name not in found]
    for name in found:
        if name not in TABLES:
            near = difflib.get_close_matches(name, TABLES, n=1)
            hint = f"; did you mean '{near[0]}.sql'?" if near else ""
            problems.append(f"{name}.sql is named after no table{hint}")
    if problems:
        raise DefinitionError(str(folder), problems)
    return {name: found[name] for name in TABLES if name in found}


@contextmanager
def _files(source: Path | str, queries: list[Path]) -> Iterator[Copy]:
    """Give a source's files; the tables of a database that queries read are copied meanwhile."""
    if not is_address(source):
        yield Copy(Path(source), ())
        return
    with copied(str(source), set().union(*tables_read(queries).values())) as copy:
        yield copy


def open_files(source: Path, room: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Open an in-memory database that fetches nothing and reads no file but the source's.

    With `room`, a folder, it may also write there, and spills there what is large.

    Raises
    ------
    UsageError
        If there is no such folder.
    """
    if not source.is_dir():
        raise UsageError(
            f"{source}: there is no such folder; name the folder of the source's files"
        )
    connection = duckdb.connect(
        config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    )
    folders = [source.resolve()]
    if room is not None:
        folders.append(room.resolve())
        connection.execute(f"SET temp_directory = {_quoted(str(room.resolve() / 'spilled'))}")
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        # Rows come out in any order: each table is sorted by its key afterwards.
        connection.execute("SET preserve_insertion_order = false")
    allowed = ", ".join(_quoted(str(folder)) for folder in folders)
    connection.execute(f"SET allowed_directories = [{allowed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def add_views(connection: duckdb.DuckDBPyConnection, source: Path) -> list[str]:
    """Make a view of every file of a source, named by the file.

    Raises
    ------
    UsageError, DataError
        If there is no file to import, two give the same view, or one cannot be read.
    """
    views: dict[str, Path] = {}
    for path in sorted(source.resolve().iterdir()):
        name = table_name(path, tuple(_READERS))
        if name is None or is_bulk_file(path):
            continue
        if name.lower().startswith(PREFIX):
            raise DataError(f"{path}: rename it; views named {PREFIX}… are those of the catalogue")
        if name in views:
            raise DataError(f"{source}: {views[name].name} and {path.name} give the same view")
        views[name] = path
        reader = _READERS[path.name[len(name) :].lower()].format(path=_quoted(str(path)))
        view = '"' + name.replace('"', '""') + '"'
        # Text is materialised, or DuckDB moves a query's cast into the reading of the file, where
        # `CAST(answer AS INTEGER)` of a yes-or-no column fails on "Yes". Parquet has its types.
        text = f"WITH file AS MATERIALIZED (FROM {reader}) FROM file"
        content = f"FROM {reader}" if path.suffix.lower() == ".parquet" else text
        try:
            connection.execute(f"CREATE VIEW {view} AS {content}")
        except duckdb.Error as error:
            raise DataError(f"{path}: cannot be read ({_first_line(error)})") from error
    if not views and not any(is_bulk_file(path) for path in source.resolve().iterdir()):
        known = ", ".join(_FUNCTIONS)
        raise UsageError(f"{source}: holds no file that can be imported ({known}, or gzipped)")
    return list(views)


def _run(source: Opened, name: str) -> RawTable:
    with source.asked(name) as answer:
        rows = answer.df()
    return RawTable(
        source.queries[name].name, rows.set_axis(pd.RangeIndex(1, len(rows) + 1), axis=0)
    )


def _select(connection: duckdb.DuckDBPyConnection, query: Path) -> duckdb.DuckDBPyRelation:
    """Prepare a query; only a single SELECT is let through, which can write nothing."""
    statements = duckdb.extract_statements(query.read_text(encoding="utf-8"))
    if [one.type for one in statements] != [duckdb.StatementType.SELECT]:
        raise DefinitionError(str(query), ["must be exactly one SELECT"])
    return connection.sql(statements[0])


@contextmanager
def _blamed_on(query: Path, views: list[str]) -> Iterator[None]:
    """Name the query in what DuckDB says of it."""
    try:
        yield
    except duckdb.Error as error:
        raise DefinitionError(str(query), [_worded(error, views)]) from error


def _worded(error: duckdb.Error, views: list[str]) -> str:
    """Word a failed query: DuckDB's own message, without values, and the nearest view."""
    absent = re.search(r"Table with name (\S+) does not exist", str(error))
    if absent:
        near = difflib.get_close_matches(absent[1], views, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(sorted(views))}"
        return f"the source has no file or table for '{absent[1]}'; {hint}"
    if isinstance(error, duckdb.ConversionException):
        # DuckDB quotes the value that it cannot convert, which may be a patient's.
        return re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", _first_line(error))
    return str(error)


def _first_line(error: duckdb.Error) -> str:
    return str(error).strip().splitlines()[0]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
