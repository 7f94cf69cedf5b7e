"""A PostgreSQL database as a source: the tables that an import names, copied in one snapshot."""

import re
import tempfile
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import adbc_driver_postgresql.dbapi as adbc
import pyarrow.parquet as pq

from kappredict.errors import DataError, UsageError

# A password's special characters must be written as %XX: libpq would take what follows an `@` or a
# `/` for the host, and name it in its message.
_PLAIN = r"(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_ADDRESS = re.compile(
    rf"postgres(?:ql)?://(?:{_PLAIN}(?::{_PLAIN})?@)?[^@/?]*(?:/[^@?]*)?(?:\?.*)?"
)

# Read with all tables of one moment, and written by nobody here.
_BEGIN = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"

_COLUMNS = """
SELECT namespace.nspname, class.relname, attribute.attname, kind.typcategory,
    coalesce(base.typname, kind.typname)
FROM pg_class AS class
JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid
JOIN pg_type AS kind ON kind.oid = attribute.atttypid
LEFT JOIN pg_type AS base ON base.oid = kind.typbasetype
WHERE class.relkind IN ('r', 'v', 'm', 'p', 'f') AND attribute.attnum > 0
    AND NOT attribute.attisdropped AND namespace.nspname = ANY(current_schemas(false))
ORDER BY array_position(current_schemas(false), namespace.nspname), class.relname, attribute.attnum
"""
_AS_THEY_ARE = {"bool", "int2", "int4", "int8", "float4", "float8", "date", "timestamp", "text"}
# A moment with a time zone becomes the wall clock of the database's own zone, in which its other
# dates are written; whatever else there is becomes text.
_CASTS = {"numeric": "float8", "timestamptz": "timestamp"}
_LEFT_OUT_CATEGORIES = ("A", "C")  # arrays and composites, which no table of a study can hold
_LEFT_OUT = ("bytea",)


@dataclass(frozen=True)
class _Table:
    """A table with the expressions of the columns that can be copied."""

    schema: str
    name: str
    columns: tuple[str, ...]

    @property
    def query(self) -> str:
        """The SELECT that reads it."""
        place = f"{_named(self.schema)}.{_named(self.name)}"
        return f"SELECT {', '.join(self.columns)} FROM {place}"  # noqa: S608  # quoted names


@dataclass(frozen=True)
class Copy:
    """A folder of Parquet files, and the names of all tables that the database shows."""

    folder: Path
    tables: tuple[str, ...]


def is_address(source: object) -> bool:
    """Tell the address of a database from a folder's path.

    >>> is_address("postgresql://reader@localhost/omop"), is_address("data/omop")
    (True, False)
    """
    return str(source).startswith(("postgresql://", "postgres://"))


@contextmanager
def copied(address: str, wanted: Set[str]) -> Iterator[Copy]:
    """Copy tables of a database into a temporary folder, a Parquet file each.

    All come from one snapshot of a transaction that may only read. Rows pass through in batches, so
    a table may be larger than memory; the folder is readable by this user only, and is removed.

    Parameters
    ----------
    address
        `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?options=-csearch_path%3DSCHEMA`. A password
        is better kept in PGPASSWORD or `~/.pgpass`, which are read too.
    wanted
        Names of tables, in lower case; those that the database does not have are passed over.

    Raises
    ------
    UsageError
        If the address is none, the database cannot be opened, or it has none of the tables.
    DataError
        If a table cannot be read.
    """
    place = _place(address)
    with tempfile.TemporaryDirectory(prefix="kappredict-") as folder:
        with _connected(address, place) as connection, connection.cursor() as cursor:
            cursor.execute(_BEGIN)
            cursor.execute(_COLUMNS)
            tables = _tables(cursor.fetchall())
            found = [tables[name] for name in sorted(wanted & tables.keys())]
            if not found:
                raise UsageError(
                    f"{place}: has none of the tables {', '.join(sorted(wanted))}; name their "
                    "schema in the address: ?options=-csearch_path%3DSCHEMA"
                )
            for table in found:
                _copy(cursor, table, Path(folder), place)
        yield Copy(Path(folder), tuple(tables))


def _place(address: str) -> str:
    """Say which database is meant, without the password."""
    if not _ADDRESS.fullmatch(address):
        raise UsageError(
            "the address is not of the form postgresql://USER:PASSWORD@HOST:PORT/DATABASE; write "
            "special characters as %XX (@ is %40), or keep the password in PGPASSWORD"
        )
    parts = urlsplit(address)
    user = f"{parts.username}@" if parts.username else ""
    return f"postgresql://{user}{parts.netloc.rpartition('@')[2]}{parts.path}"


@contextmanager
def _connected(address: str, place: str) -> Iterator[adbc.Connection]:
    try:
        connection = adbc.connect(address)
    except adbc.Error as error:
        raise UsageError(f"{place}: cannot be opened ({_said(error)})") from error
    with connection:
        yield connection


def _tables(columns: list[tuple[str, str, str, str, str]]) -> dict[str, _Table]:
    """Put columns together by table; of two with one name the first schema's counts."""
    tables: dict[str, _Table] = {}
    for schema, name, column, category, kind in columns:
        if category in _LEFT_OUT_CATEGORIES or kind in _LEFT_OUT:
            continue
        table = tables.setdefault(name.lower(), _Table(schema, name, ()))
        if (table.schema, table.name) == (schema, name):
            several = (*table.columns, _expression(column, kind))
            tables[name.lower()] = _Table(schema, name, several)
    return tables


def _expression(column: str, kind: str) -> str:
    name = _named(column)
    return name if kind in _AS_THEY_ARE else f"{name}::{_CASTS.get(kind, 'text')} AS {name}"


def _copy(cursor: adbc.Cursor, table: _Table, folder: Path, place: str) -> None:
    try:
        cursor.execute(table.query)
        with (
            cursor.fetch_record_batch() as batches,
            pq.ParquetWriter(folder / f"{table.name}.parquet", batches.schema) as file,
        ):
            for batch in batches:
                file.write_batch(batch)
    except (adbc.Error, OSError) as error:
        raise DataError(f"{place}: {table.name} cannot be read ({_said(error)})") from error


def _said(error: Exception) -> str:
    """Give the first line of what the database said."""
    text = re.sub(r"^.*?(Failed to connect: |ERROR: +)", "", str(error), count=1, flags=re.DOTALL)
    return text.strip().splitlines()[0]


def _named(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
