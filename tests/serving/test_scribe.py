"""One thread writes the trail; what waits for it waits in bounded time, and nothing else waits."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kappredict.serving import scribe as scribes
from kappredict.serving.audit import AuditError, AuditTrail, Entry
from kappredict.serving.scribe import Scribe

ENTRY = Entry("somebody", "clinician", "predict", "answered", "r1")


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[AuditTrail]:
    made = AuditTrail.at(str(tmp_path / "audit.db"))
    made.make()
    yield made
    made.close()


@pytest.fixture
def scribe(trail: AuditTrail) -> Iterator[Scribe]:
    made = Scribe(trail)
    yield made
    made.close()


def test_what_comes_at_once_is_written_in_few_transactions(
    trail: AuditTrail, scribe: Scribe
) -> None:
    async def many() -> None:
        await asyncio.gather(*(scribe.write([ENTRY]) for _ in range(200)))

    asyncio.run(many())
    assert trail.verify() == 200
    # The entries of one transaction carry the same moment.
    assert len({one.entry.at for one in trail.read()}) < 100


def test_a_locked_database_stops_what_waits_for_it_and_nothing_else(
    trail: AuditTrail, scribe: Scribe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scribes, "_PATIENCE", 0.3)
    holder = sqlite3.connect(tmp_path / "audit.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    async def blocked() -> list[float]:
        waiting = [asyncio.create_task(scribe.write([ENTRY]))]
        await asyncio.sleep(0.1)  # the first is begun, and the others wait behind it
        waiting += [asyncio.create_task(scribe.write([ENTRY])) for _ in range(2)]
        turns = []
        while not all(one.done() for one in waiting):
            began = time.monotonic()
            await asyncio.sleep(0.01)
            turns.append(time.monotonic() - began)
        for one in waiting:
            with pytest.raises(AuditError, match="too long"):
                await one
        return turns

    turns = asyncio.run(blocked())
    assert len(turns) > 10  # the event loop went on turning
    assert not scribe.well
    holder.execute("ROLLBACK")
    holder.close()
    asyncio.run(until_written(scribe))
    assert scribe.well
    # The first was begun when it was given up, and may be written; the two that waited never are.
    assert trail.verify() <= 2


async def until_written(scribe: Scribe) -> None:
    for _ in range(20):
        try:
            await scribe.write([ENTRY])
        except AuditError:
            continue
        return
    raise AssertionError("never written")
