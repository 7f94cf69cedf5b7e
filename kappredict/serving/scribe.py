"""The scribe: writes a process's audit entries in a thread of its own, many at a time.

Each entry is durable before its answer leaves, which takes a write to disk. While one is under way
others arrive; they are written together in the next transaction ("group commit": DeWitt et al.,
"Implementation techniques for main memory database systems", SIGMOD 1984). So a slow or locked
database delays the answers that wait for it, and nothing else of the process.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import chain

from kappredict.serving.audit import AuditError, AuditTrail, Entry
from kappredict.serving.kept import Kept

_log = logging.getLogger("kappredict")
_PATIENCE = 6.0  # seconds; longer than a database may take to say that it is locked
_MOST_AT_ONCE = 256

_Waiting = tuple[Sequence[Entry], Sequence[Kept], "Future[None]"]


class Scribe:
    """Writes the entries of one process; `well` tells whether the last were written."""

    def __init__(self, trail: AuditTrail) -> None:
        self.well = True
        self._trail = trail
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_on, name="scribe", daemon=True)
        self._thread.start()

    async def write(self, entries: Sequence[Entry], kept: Sequence[Kept] = ()) -> None:
        """Return once the entries are on record, and what is kept with them.

        Raises
        ------
        AuditError
            If they cannot be written within some seconds; then those that were not begun never are.
        """
        written: Future[None] = Future()
        self._waiting.put((entries, kept, written))
        try:
            await asyncio.wait_for(asyncio.wrap_future(written), _PATIENCE)
        except TimeoutError as error:
            self.well = False
            raise AuditError("the audit trail takes too long to write") from error

    def close(self) -> None:
        """Write what waits, and stop."""
        self._waiting.put(None)
        self._thread.join(_PATIENCE)

    def _write_on(self) -> None:
        going = True
        while going:
            batch, going = self._next()
            begun = [one for one in batch if one[-1].set_running_or_notify_cancel()]
            if begun:
                self._write(begun)

    def _next(self) -> tuple[list[_Waiting], bool]:
        """Take what waits, at least one; False with it where there will be no more."""
        batch: list[_Waiting] = []
        one = self._waiting.get()
        while one is not None:
            batch.append(one)
            if len(batch) == _MOST_AT_ONCE or self._waiting.empty():
                return batch, True
            one = self._waiting.get()
        return batch, False

    def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            self._trail.append(
                list(chain.from_iterable(entries for entries, _, _ in batch)),
                list(chain.from_iterable(kept for _, kept, _ in batch)),
            )
        except Exception as error:  # whatever it is, those who wait must hear of it
            self._failed(batch, error)
            return
        self.well = True
        for *_, written in batch:
            written.set_result(None)

    def _failed(self, batch: Sequence[_Waiting], error: Exception) -> None:
        known = error if isinstance(error, AuditError) else AuditError(type(error).__name__)
        if self.well:
            _log.error("%s", known)
        self.well = False
        for *_, written in batch:
            written.set_exception(known)
