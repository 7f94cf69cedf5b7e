"""Where trials are kept: a SQLite file by default, PostgreSQL by URL for many workers."""

import time
from dataclasses import dataclass
from pathlib import Path

import optuna
import sqlalchemy as sa
from optuna.storages import RDBStorage
from optuna.study import Study
from sqlalchemy.exc import SQLAlchemyError

from kappredict.errors import UsageError
from kappredict.tuning.quiet import quiet
from kappredict.tuning.sampling import ClearlyBehind, RepeatableSampler

_ATTEMPTS = 5
# Workers wait for one another's writes, each of them a matter of milliseconds.
_PATIENCE = {"timeout": 60}


@dataclass(frozen=True)
class Trials:
    """A storage of trials; a running one silent for `silent_seconds` is that of a dead worker."""

    storage: RDBStorage
    shown: str
    silent_seconds: int

    @classmethod
    def at(cls, place: str, silent_seconds: int) -> "Trials":
        """Open the trials at a URL, or in the SQLite file `trials.db` of a folder.

        Raises
        ------
        UsageError
            If nothing can be kept there.
        """
        with quiet():
            try:
                url = _address(place)
                return cls(_open(url, silent_seconds), url.render_as_string(), silent_seconds)
            except (SQLAlchemyError, ImportError) as error:
                reason = str(error).splitlines()[0]
                raise UsageError(f"trials cannot be kept there: {reason}") from error

    def study(self, name: str, seed: int) -> Study:
        """Open an Optuna study, or make it."""
        with quiet():
            return optuna.create_study(
                storage=self.storage,
                study_name=name,
                sampler=RepeatableSampler(seed),
                pruner=ClearlyBehind(),
                load_if_exists=True,
            )

    @property
    def names(self) -> list[str]:
        """The names of all studies that are kept."""
        return optuna.get_all_study_names(self.storage)


def _address(place: str) -> sa.URL:
    if "://" not in place:
        folder = Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        return sa.URL.create("sqlite", database=str((folder / "trials.db").resolve()))
    url = sa.make_url(place)
    # The driver that kappredict brings.
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def _open(url: sa.URL, silent_seconds: int) -> RDBStorage:
    """Open a storage; of two workers that make its tables at once, one has to look again."""
    is_file = url.drivername == "sqlite"
    for attempt in range(_ATTEMPTS):
        try:
            storage = RDBStorage(
                url.render_as_string(hide_password=False),
                engine_kwargs={"connect_args": _PATIENCE} if is_file else None,
                heartbeat_interval=max(1, silent_seconds // 4),
                grace_period=silent_seconds,
            )
            break
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError):
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(0.2)
    if is_file:
        sa.event.listen(storage.engine, "connect", _write_ahead)
        storage.engine.dispose()  # what is open was opened without it
    return storage


def _write_ahead(connection: object, record: object) -> None:
    """Append to a log instead of rewriting pages: as safe when killed, and ten times as quick."""
    del record
    cursor = connection.cursor()  # type: ignore[attr-defined]  # a DBAPI connection
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()
