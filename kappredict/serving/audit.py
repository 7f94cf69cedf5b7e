"""The audit trail: an append-only, hash-chained table of who asked what about whom.

No clinical value is in it: a request and an answer are there by their SHA-256, a patient by a
pseudonym (HMAC-SHA-256 of the id with the deployment's key). Every entry carries the hash of the
one before, so that a change, a removal or a change of order shows. After Schneier and Kelsey,
"Secure audit logs to support computer forensics", ACM TISSEC 1999;2(2):159-176; the columns follow
IHE BALP 1.1 and 45 CFR 164.312(b).
"""

import hashlib
import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from kappredict.errors import KappredictError
from kappredict.serving.kept import (
    Kept,
    keep,
    kept_of,
    make_table,
    others_of,
    remove_before,
)

GENESIS = "0" * 64
# One writer at a time, over all processes; the number only has to be the same everywhere.
_ADVISORY_LOCK = 7_421_013
_READ_AT_ONCE = 2000


class AuditError(KappredictError):
    """The audit trail cannot be written or read, or its chain is broken."""

    exit_code = 12


@dataclass(frozen=True)
class Entry:
    """One act: who did what, about whom, with which models, and how it ended.

    `who` is a principal's name, `pseudonym` stands for the patient, `request` and `answer` are
    SHA-256 digests, `models` the names and digests of the bundles, `milliseconds` the time taken.
    """

    who: str
    role: str
    action: str
    outcome: str
    request_id: str
    pseudonym: str = ""
    models: str = ""
    request: str = ""
    answer: str = ""
    note: str = ""
    milliseconds: float = 0.0
    at: str = ""


@dataclass(frozen=True)
class Chained:
    """An entry in its place of the chain."""

    number: int
    previous: str
    hash: str
    entry: Entry


_metadata = sa.MetaData()
_columns = [
    sa.Column(one.name, sa.Float if one.type is float else sa.Text, nullable=False)
    for one in fields(Entry)
]
_table = sa.Table(
    "audit",
    _metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("previous", sa.Text, nullable=False, unique=True),
    sa.Column("hash", sa.Text, nullable=False),
    *_columns,
)
# Tokens that were used, each until it expires: here, as all workers have this database.
_taken = sa.Table(
    "taken",
    _metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("until", sa.Float, nullable=False),
)
_GUARDS = {
    "sqlite": [
        f"CREATE TRIGGER IF NOT EXISTS audit_no_{act.lower()} BEFORE {act} ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
        for act in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger AS $$ BEGIN "
        "RAISE EXCEPTION 'the audit trail is append-only'; END $$ LANGUAGE plpgsql",
        "CREATE OR REPLACE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
    ],
}


# A database that is locked, restarting or out of reach must say so in seconds, not minutes.
_CONNECTING: dict[str, dict[str, Any]] = {
    "postgresql": {
        "pool_pre_ping": True,
        "connect_args": {
            "connect_timeout": 2,
            "tcp_user_timeout": 4000,
            "options": "-c lock_timeout=2000 -c statement_timeout=4000",
        },
    }
}


class AuditTrail:
    """The trail in a database; safe with several processes, each append durable when it returns."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(writes=True)
        self._made = False
        file = engine.url.database if engine.dialect.name == "sqlite" else None
        self._file = Path(file) if file else None
        self._inode = 0

    @classmethod
    def at(cls, place: str) -> "AuditTrail":
        """Give the trail at a database URL, or in an SQLite file; it is opened when it is used.

        Raises
        ------
        AuditError
            If it is no URL of a database.
        """
        url = place if "://" in place else f"sqlite:///{Path(place).resolve()}"
        try:
            kind = sa.engine.make_url(url).get_backend_name()
            engine = sa.create_engine(url, **_CONNECTING.get(kind, {}))
        except (sa.exc.SQLAlchemyError, ImportError) as error:
            raise AuditError("the audit trail's address is no URL of a database") from error
        if kind == "sqlite":
            sa.event.listen(engine, "connect", _durable)
            sa.event.listen(engine, "begin", _begin)
        return cls(engine)

    def make(self) -> None:
        """Make the table, and what guards it, where they are not.

        Raises
        ------
        AuditError
            If the database cannot be opened.
        """
        if self._made:
            self._refuse_other_file()
            return
        try:
            if self._file:
                self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._writing.begin() as connection:
                _locked(connection)
                _metadata.create_all(connection)
                make_table(connection)
                for guard in _GUARDS.get(connection.dialect.name, ()):
                    connection.execute(sa.text(guard))
        except (sa.exc.SQLAlchemyError, OSError) as error:
            raise AuditError(f"the audit trail cannot be opened: {_plain(error)}") from error
        self._inode = self._file.stat().st_ino if self._file else 0
        self._made = True

    def _refuse_other_file(self) -> None:
        """Refuse to go on in a file that was removed: it would be written, and found by nobody."""
        try:
            same = not self._file or self._file.stat().st_ino == self._inode
        except OSError:
            same = False
        if not same:
            raise AuditError("the audit trail's file was removed or replaced; restart the service")

    def append(self, entries: Sequence[Entry], kept: Sequence[Kept] = ()) -> list[Chained]:
        """Write entries, durably and in one transaction, and give them with their hashes.

        Served predictions that are `kept` are in that transaction, too.

        Raises
        ------
        AuditError
            If they cannot be written: then none of them is.
        """
        self.make()
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        try:
            with self._writing.begin() as connection:
                _locked(connection)
                number, previous = _head(connection)
                written = []
                for entry in entries:
                    dated = replace(entry, at=entry.at or now)
                    number += 1
                    made = Chained(number, previous, _hash(number, previous, dated), dated)
                    written.append(made)
                    previous = made.hash
                connection.execute(_INSERT, [_row(one) for one in written])
                keep(connection, kept, now)
        except sa.exc.SQLAlchemyError as error:
            raise AuditError(f"the audit trail cannot be written: {_plain(error)}") from error
        return written

    def take_once(self, name: str, until: float, now: float) -> bool:
        """Take a name that may be taken once until some time; tell whether it was free.

        Raises
        ------
        AuditError
            If that cannot be told.
        """
        self.make()
        try:
            with self._writing.begin() as connection:
                connection.execute(_taken.delete().where(_taken.c.until < now))
                connection.execute(_taken.insert().values(name=name, until=until))
        except sa.exc.IntegrityError:
            return False
        except sa.exc.SQLAlchemyError as error:
            raise AuditError(f"the audit trail cannot be written: {_plain(error)}") from error
        return True

    def read(self, after: int = 0) -> Generator[Chained]:
        """Read the chain in order, from the entry after a number on.

        Raises
        ------
        AuditError
            If the database cannot be read.
        """
        query = sa.select(_table).where(_table.c.number > after).order_by(_table.c.number)
        try:
            with self._engine.connect() as connection:
                reading = connection.execution_options(yield_per=_READ_AT_ONCE)
                with reading.execute(query) as rows:
                    for row in rows:
                        yield _chained(row._asdict())
        except sa.exc.SQLAlchemyError as error:
            raise AuditError(f"the audit trail cannot be read: {_plain(error)}") from error

    def head(self) -> tuple[int, str]:
        """Give the last number and its hash: noted elsewhere, it shows a cut-off end, too.

        Raises
        ------
        AuditError
            If the database cannot be read.
        """
        try:
            with self._engine.connect() as connection:
                return _head(connection)
        except sa.exc.SQLAlchemyError as error:
            raise AuditError(f"the audit trail cannot be read: {_plain(error)}") from error

    def verify(self, head: tuple[int, str] | None = None) -> int:
        """Check the whole chain, and give its length.

        Parameters
        ----------
        head
            A number and hash that were noted earlier; the chain must still hold that entry.

        Raises
        ------
        AuditError
            Naming the first entry that was changed, removed or moved.
        """
        number, previous, seen = 0, GENESIS, head is None
        with closing(self.read()) as entries:
            for one in entries:
                _follows(one, number, previous)
                number, previous = one.number, one.hash
                seen = seen or (number, previous) == head
        if not seen:
            raise AuditError(f"audit trail: entry {head[0] if head else 0} that was noted is gone")
        return number

    def predictions(self, model: str, digest: str) -> tuple[list[dict[str, Any]], int]:
        """Read what a model served, oldest first, and count what its other versions did.

        Raises
        ------
        AuditError
            If the database cannot be read.
        """
        try:
            with self._engine.connect() as connection:
                return kept_of(connection, digest), others_of(connection, model, digest)
        except sa.exc.SQLAlchemyError as error:
            raise AuditError(f"served predictions cannot be read: {_plain(error)}") from error

    def prune(self, before: date, who: str) -> int:
        """Remove served predictions from before a day, once that is on record; say how many.

        Raises
        ------
        AuditError
            If the database cannot be written.
        """
        note = f"before {before.isoformat()}"
        self.append([Entry(who, "admin", "prune-predictions", "answered", "", note=note)])
        try:
            with self._writing.begin() as connection:
                _locked(connection)
                return remove_before(connection, before)
        except sa.exc.SQLAlchemyError as error:
            raise AuditError(f"served predictions cannot be removed: {_plain(error)}") from error

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


def sha256(content: bytes) -> str:
    """Give the digest of a request or an answer."""
    return hashlib.sha256(content).hexdigest()


_INSERT = _table.insert()
_LAST = sa.select(_table.c.number, _table.c.hash).order_by(_table.c.number.desc()).limit(1)


def _head(connection: Connection) -> tuple[int, str]:
    row = connection.execute(_LAST).first()
    return (0, GENESIS) if row is None else (int(row[0]), str(row[1]))


def _follows(one: Chained, number: int, previous: str) -> None:
    """Refuse an entry that is not the one after another, as it was written."""
    if one.number != number + 1:
        raise AuditError(f"audit trail: entry {number + 1} is missing")
    if one.previous != previous:
        raise AuditError(f"audit trail: entry {one.number} does not follow entry {number}")
    if one.hash != _hash(one.number, one.previous, one.entry):
        raise AuditError(f"audit trail: entry {one.number} was changed")


def _hash(number: int, previous: str, entry: Entry) -> str:
    content = {"number": number, "previous": previous, **vars(entry)}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(canonical.encode())


def _row(one: Chained) -> dict[str, Any]:
    return {"number": one.number, "previous": one.previous, "hash": one.hash, **vars(one.entry)}


def _chained(row: Mapping[str, Any]) -> Chained:
    entry = Entry(**{one.name: row[one.name] for one in fields(Entry)})
    return Chained(row["number"], row["previous"], row["hash"], entry)


def _locked(connection: Connection) -> None:
    """Let one process at a time read the head and add to it; SQLite's BEGIN IMMEDIATE does it."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))


def _durable(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=2000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Take the lock at once for writing; who reads the whole trail must not hold up who writes."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _plain(error: Exception) -> str:
    """Give the driver's own words; SQLAlchemy's would hold the row that was to be written."""
    cause = getattr(error, "orig", None) or (error if isinstance(error, OSError) else None)
    return str(cause).splitlines()[0] if cause else type(error).__name__
