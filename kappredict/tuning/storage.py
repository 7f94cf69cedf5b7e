"""Where trials are kept: a SQLite file by default, PostgreSQL by URL for many workers."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
import sqlalchemy as sa
from optuna.exceptions import DuplicatedStudyError, StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, RDBStorage, get_storage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from kappredict.errors import DataError, UsageError
from kappredict.tuning.quiet import quiet

_ATTEMPTS = 5
# Workers wait for one another's writes, each of them a matter of milliseconds.
_PATIENCE = {"timeout": 60}


@contextmanager
def faults_told() -> Iterator[None]:
    """Turn a storage that fails while it is worked with into one message.

    Raises
    ------
    DataError
        If it does.
    """
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise DataError(
            f"the trials cannot be reached any more ({reason}); once they can, the same command "
            f"goes on from there"
        ) from error


@dataclass(frozen=True)
class Kept:
    """The trials of one search, as all the processes see them that work on it."""

    storage: BaseStorage
    study: int

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials that did not fail, in their order."""
        found = self.storage.get_all_trials(self.study, deepcopy=False)
        return [one for one in found if one.state != TrialState.FAIL]

    def begin(self, trial: FrozenTrial) -> int:
        """Let others know of a trial that begins, all at once; gives its number."""
        return self.storage.get_trial_number_from_id(
            self.storage.create_new_trial(self.study, trial)
        )

    def end(
        self, number: int, state: TrialState, losses: Mapping[int, float], value: float | None
    ) -> None:
        """Say what came of a trial; nothing if others gave it up before."""
        trial = self.storage.get_trial_id_from_study_id_trial_number(self.study, number)
        try:
            for step, loss in losses.items():
                self.storage.set_trial_intermediate_value(trial, step, loss)
            self.storage.set_trial_state_values(trial, state, None if value is None else [value])
        except UpdateFinishedTrialError:
            return


@dataclass(frozen=True)
class Trials:
    """A storage of the trials of any number of searches; `shown` is its address to look at."""

    storage: BaseStorage
    engine: sa.Engine
    shown: str

    @classmethod
    def at(cls, place: str) -> "Trials":
        """Open the trials at a URL, or in the SQLite file `trials.db` of a folder.

        Raises
        ------
        UsageError
            If nothing can be kept there.
        """
        try:
            url = _address(place)
            opened = _open(url)
            return cls(get_storage(opened), opened.engine, url.render_as_string())
        except (SQLAlchemyError, StorageInternalError, ImportError) as error:
            reason = str(error).splitlines()[0]
            raise UsageError(f"trials cannot be kept there: {reason}") from error

    def of(self, name: str) -> Kept:
        """Give the trials of a search, of which there may be none yet."""
        with quiet():
            try:
                study = self.storage.create_new_study([StudyDirection.MINIMIZE], name)
            except DuplicatedStudyError:
                study = self.storage.get_study_id_from_name(name)
        return Kept(self.storage, study)

    def close(self) -> None:
        """Close all connections."""
        self.storage.remove_session()
        self.engine.dispose()

    @property
    def names(self) -> list[str]:
        """The names of all searches that were begun."""
        return optuna.get_all_study_names(self.storage)


def _address(place: str) -> sa.URL:
    if "://" not in place:
        folder = Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        return sa.URL.create("sqlite", database=str((folder / "trials.db").resolve()))
    url = sa.make_url(place)
    # The driver that kappredict brings.
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def _open(url: sa.URL) -> RDBStorage:
    """Open a storage; of two workers that make its tables at once, one has to look again."""
    is_file = url.drivername == "sqlite"
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            storage = RDBStorage(
                url.render_as_string(hide_password=False),
                engine_kwargs={"connect_args": _PATIENCE} if is_file else None,
            )
            break
        except (SQLAlchemyError, StorageInternalError):
            if attempt == _ATTEMPTS:
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
