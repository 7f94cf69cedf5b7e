"""Workers are killed, bundles swapped, disks filled: all that was answered is on record."""

import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from kappredict.estimators.bundle import digest, load_bundle
from kappredict.serving.audit import AuditTrail
from tests.serving.conftest import Served, add_keys, serving

CLIENTS = 4


@pytest.fixture(scope="module")
def own_models(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(models, tmp_path_factory.mktemp("own") / "models"))


@pytest.fixture(scope="module")
def pair(own_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service of two workers, with bundles that may be changed."""
    folder = tmp_path_factory.mktemp("pair")
    with serving(own_models, folder, add_keys(folder), "--workers", "2") as service:
        yield service


@dataclass
class Heard:
    """What the clients of a load heard."""

    answered: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    slowest: float = 0.0

    def ask(self, client: httpx.Client, record: dict[str, Any]) -> None:
        began = time.monotonic()
        try:
            answer = client.post("/v1/predict", json=record)
        except httpx.TransportError:
            self.broken += 1
            time.sleep(0.05)
            return
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.statuses[answer.status_code] += 1
        if answer.status_code == 200:
            content = answer.json()
            self.answered.append(content["request_id"])
            self.digests.append(content["results"][0]["answers"][-1]["model"]["digest"])


@contextmanager
def load(service: Served, record: dict[str, Any]) -> Iterator[Heard]:
    """Ask from several clients at once, for as long as the block takes."""
    heard, over = Heard(), threading.Event()

    def ask() -> None:
        with service.client() as client:
            while not over.is_set():
                heard.ask(client, record)

    threads = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield heard
    finally:
        over.set()
        for thread in threads:
            thread.join()


def workers(service: Served) -> list[int]:
    """Find the processes that answer, below the one that was started."""
    parent = service.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(one) for one in children if "worker" in Path(f"/proc/{one}/cmdline").read_text()]


def until(holds: Callable[[], bool], seconds: float = 40) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.05)


def on_record(service: Served) -> set[str]:
    """Check the chain, and give the requests that it holds as answered."""
    trail = AuditTrail.at(str(service.folder / "audit.db"))
    trail.verify()
    return {one.entry.request_id for one in trail.read() if one.entry.outcome == "answered"}


def test_a_killed_worker_loses_no_answer_and_comes_back(
    pair: Served, record: dict[str, Any]
) -> None:
    with load(pair, record) as heard:
        until(lambda: len(heard.answered) > 20)
        victim = workers(pair)[0]
        os.kill(victim, signal.SIGKILL)
        before = len(heard.answered)
        until(lambda: len(heard.answered) > before + 20)  # the other worker goes on
        until(lambda: victim not in workers(pair) and len(workers(pair)) == 2)
    assert set(heard.statuses) == {200}
    assert heard.broken <= CLIENTS
    assert on_record(pair) >= set(heard.answered)


def test_a_model_is_swapped_under_load_and_no_request_fails(
    pair: Served, own_models: Path, record: dict[str, Any]
) -> None:
    folder = own_models / "depression/response/baseline"
    old = load_bundle(folder)
    changed = old.recipe.model_copy(update={"base_rate": {"": 0.123}})
    before = digest(folder)
    with load(pair, record) as heard:
        until(lambda: len(heard.answered) > 20)
        for recipe in (changed, old.recipe, changed):
            type(old)(recipe, old.encoder, old.margin, old.calibration, old.limits).save(folder)
            until(lambda: set(heard.digests[-20:]) == {digest(folder)})  # both workers
    assert set(heard.statuses) == {200}
    assert not heard.broken
    assert set(heard.digests) == {before, digest(folder)}
    old.save(folder)


def test_a_full_disk_is_said_and_nothing_is_answered_until_there_is_room(
    pair: Served, record: dict[str, Any]
) -> None:
    with pair.client() as client:
        for worker in workers(pair):
            resource.prlimit(worker, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        refused = client.post("/v1/predict", json=record)
        assert refused.status_code == 503
        assert "audit trail cannot be written" in refused.json()["detail"]
        assert refused.headers["retry-after"] == "5"
        assert client.get("/livez").status_code == 200
        until(lambda: client.get("/readyz").status_code == 503)
        for worker in workers(pair):
            resource.prlimit(worker, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        until(lambda: client.get("/readyz").status_code == 200)
        assert client.post("/v1/predict", json=record).status_code == 200


def test_a_locked_trail_is_said_in_bounded_time_and_holds_nothing_else_up(
    pair: Served, record: dict[str, Any]
) -> None:
    holder = sqlite3.connect(pair.folder / "audit.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with load(pair, record) as heard, pair.client() as client:
        time.sleep(0.5)
        for _ in range(5):
            began = time.monotonic()
            assert client.get("/livez").status_code == 200
            assert client.get("/v1/models").status_code == 200
            assert time.monotonic() - began < 1
        until(lambda: heard.statuses[503] > 0)
        holder.execute("ROLLBACK")
        until(lambda: heard.statuses[200] > 0)
    holder.close()
    assert set(heard.statuses) <= {200, 503}
    assert on_record(pair) >= set(heard.answered)


def test_sigterm_drains(own_models: Path, tmp_path: Path, record: dict[str, Any]) -> None:
    with serving(own_models, tmp_path, add_keys(tmp_path)) as service:
        below = workers(service)
        half, rest = halves(service, record)
        with load(service, record) as heard, connection_to(service) as begun:
            begun.sendall(half)
            until(lambda: len(heard.answered) > 20)
            service.process.terminate()
            time.sleep(0.3)
            begun.sendall(rest)
            assert begun.recv(100).startswith(b"HTTP/1.1 200")
            assert service.process.wait(25) == 0
    assert not any(Path(f"/proc/{one}").exists() for one in below)
    assert set(heard.statuses) == {200}
    assert on_record(service) >= set(heard.answered)


def connection_to(service: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(service.url.rsplit(":", 1)[1])), timeout=20)


def halves(service: Served, record: dict[str, Any]) -> tuple[bytes, bytes]:
    """Cut a request in two in the middle of its body."""
    body = json.dumps(record).encode()
    head = (
        f"POST /v1/predict HTTP/1.1\r\nHost: here\r\nContent-Length: {len(body)}\r\n"
        f"Authorization: Bearer {service.keys['clinician']}\r\n\r\n"
    )
    return head.encode() + body[:10], body[10:]
