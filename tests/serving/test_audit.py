"""The trail keeps what was written, in order, and shows what was done to it."""

import sqlite3
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fhir.resources.R4B.auditevent import AuditEvent

from kappredict.serving.audit import AuditError, AuditTrail, Entry
from kappredict.serving.audit_events import audit_event
from kappredict.serving.pseudonyms import pseudonym

ENTRY = Entry("somebody", "clinician", "predict", "answered", "r1", pseudonym="p")


@pytest.fixture
def place(tmp_path: Path) -> str:
    return str(tmp_path / "audit.db")


def unguarded(place: str, *statements: str) -> None:
    """Do what the triggers forbid, as somebody with the file in hand could."""
    connection = sqlite3.connect(place)
    connection.executescript(
        "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete;" + ";".join(statements)
    )
    connection.close()


def test_entries_form_a_chain(place: str) -> None:
    trail = AuditTrail.at(place)
    first, second = trail.append([ENTRY, ENTRY])
    assert second.previous == first.hash
    assert trail.verify() == 2


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE audit SET who = 'another' WHERE number = 2", "entry 2 was changed"),
        ("DELETE FROM audit WHERE number = 2", "entry 2 is missing"),
        ("DELETE FROM audit WHERE number = 3", "entry 3 that was noted is gone"),
    ],
)
def test_what_was_changed_or_removed_shows(place: str, statement: str, said: str) -> None:
    trail = AuditTrail.at(place)
    trail.append([ENTRY] * 3)
    head = trail.head()
    unguarded(place, statement)
    with pytest.raises(AuditError, match=said):
        trail.verify(head)


@pytest.mark.parametrize("statement", ["UPDATE audit SET who = 'x'", "DELETE FROM audit"])
def test_sqlite_refuses_to_change_or_remove(place: str, statement: str) -> None:
    AuditTrail.at(place).append([ENTRY])
    connection = sqlite3.connect(place)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()


def append_many(place: str) -> None:
    trail = AuditTrail.at(place)
    for _ in range(50):
        trail.append([ENTRY])
    trail.close()


def test_processes_that_write_at_once_make_one_chain(place: str) -> None:
    AuditTrail.at(place).close()
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(append_many, [place, place]))
    assert AuditTrail.at(place).verify() == 100


def test_a_real_postgresql_keeps_the_chain_and_refuses_changes(postgresql: Any) -> None:
    url = postgresql.database("psycopg")
    trail = AuditTrail.at(url)
    trail.append([ENTRY, ENTRY])
    assert trail.verify() == 2
    engine = sa.create_engine(url)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(sa.text("UPDATE audit SET who = 'x'"))
    engine.dispose()
    trail.close()


def test_a_trail_that_cannot_be_written_says_so(place: str) -> None:
    trail = AuditTrail.at(place)
    trail.append([ENTRY])
    connection = sqlite3.connect(place)
    connection.execute("DROP TABLE audit")
    connection.close()
    with pytest.raises(AuditError, match="cannot be written"):
        trail.append([ENTRY])


def test_a_pseudonym_needs_the_key() -> None:
    assert pseudonym("a", b"one") == pseudonym("a", b"one")
    assert pseudonym("a", b"one") != pseudonym("a", b"two")


def test_an_entry_reads_as_a_valid_audit_event(place: str) -> None:
    (one,) = AuditTrail.at(place).append([ENTRY])
    event = AuditEvent.model_validate(audit_event(one))
    assert [agent.type.coding[0].code for agent in event.agent] == ["110153", "110152", "INF"]
