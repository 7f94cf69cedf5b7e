"""A lock in the place where models are registered, which is free again when its holder dies.

MLflow has no way to move an alias only if it still points where it did. Who wants to move one
therefore first takes the lock of its name: in PostgreSQL an advisory lock of a session, beside an
SQLite file a lock of the operating system on a file next to it.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from kappredict.errors import UsageError

_SQLITE = "sqlite:///"


@contextmanager
def locked(uri: str, name: str) -> Iterator[None]:
    """Hold the lock of a name in a store, waiting for whoever has it.

    Raises
    ------
    UsageError
        If the store is neither SQLite nor PostgreSQL.
    """
    if uri.startswith(_SQLITE):
        with _locked_file(Path(uri.removeprefix(_SQLITE)), name):
            yield
    elif uri.startswith("postgresql"):
        with _locked_session(uri, name):
            yield
    else:
        raise UsageError(
            f"{uri}: models are promoted in the registry's own database (sqlite or postgresql), "
            f"where two promotions at once can be kept apart; name that by --store"
        )


@contextmanager
def _locked_file(database: Path, name: str) -> Iterator[None]:
    folder = database.with_suffix(".locks")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name.replace("/", ".")).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # the system lets go of it with the file, or the process
        yield


@contextmanager
def _locked_session(uri: str, name: str) -> Iterator[None]:
    # A transaction that stays open for a night would keep the database from cleaning up.
    engine = sa.create_engine(uri, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        lock = sa.text("SELECT pg_advisory_lock(hashtextextended(:name, 0))")
        connection.execute(lock, {"name": f"kappredict {name}"})
        yield
