"""Who serves: one champion at a time, whoever promotes, in SQLite as in PostgreSQL."""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import mlflow
import pytest

from kappredict.errors import RefusedError, UsageError
from kappredict.tracking.locks import locked
from kappredict.tracking.registry import FORMER, Decision, Registry
from kappredict.tracking.store import CHALLENGER, CHAMPION, Registered, Store

PASSED = Decision(
    passed=True,
    reasons=("compared on 200 courses",),
    content={"passed": True},
    against=None,
    rows="ab12",
    at="2026-11-25T02:00:00+00:00",
    by="night",
)


@pytest.fixture
def task(request: pytest.FixtureRequest) -> str:
    """A task of the test's own, so that tests can share a store."""
    return f"anything/{abs(hash(request.node.name))}/baseline"


def registered(store: Store, task: str) -> Registered:
    """Register one more version of a model; what it answers does not matter here."""
    name = task.replace("/", ".")
    with store.run("train", {"made": "for a test"}) as run:
        client = mlflow.MlflowClient(store.uri)
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name)
        version = client.create_model_version(name, f"runs:/{run}/model", run_id=run)
    one = Registered(name, int(version.version), run)
    Registry(store).challenge(one)
    return one


def version_of(store: Store, task: str, alias: str) -> int | None:
    holder = Registry(store).holder(task, alias)
    return holder.version if holder else None


def test_a_verdict_that_passed_makes_a_champion_and_is_written_down(
    store: Store, task: str
) -> None:
    registry, one = Registry(store), registered(store, task)
    registry.decide(one, PASSED)
    assert version_of(store, task, CHAMPION) == 1
    assert version_of(store, task, CHALLENGER) is None
    tags = mlflow.MlflowClient(store.uri).get_model_version(one.name, "1").tags
    assert (tags["verdict"], tags["verdict_by"], tags["verdict_rows"]) == (
        "promoted", "night", "ab12"
    )  # fmt: skip
    assert registry.verdict(one) == {"passed": True, "at": PASSED.at, "by": "night"}


def test_a_refused_challenger_stays_one_with_its_reasons(store: Store, task: str) -> None:
    registry = Registry(store)
    registry.decide(registered(store, task), PASSED)
    second = registered(store, task)
    registry.decide(second, replace(PASSED, passed=False, reasons=("worse", "small"), against=1))
    assert version_of(store, task, CHAMPION) == 1
    assert version_of(store, task, CHALLENGER) == 2
    assert registry.outcome(second) == "refused"
    tags = mlflow.MlflowClient(store.uri).get_model_version(second.name, "2").tags
    assert tags["verdict_reasons"] == "worse\nsmall"


def test_rolling_back_twice_is_rolling_back_once(store: Store, task: str) -> None:
    registry = Registry(store)
    registry.decide(registered(store, task), PASSED)
    second = registered(store, task)
    registry.decide(second, replace(PASSED, against=1))
    assert version_of(store, task, FORMER) == 1
    for changed in (True, False):
        serves, was = registry.roll_back(task, "later")
        assert serves is not None
        assert (serves.version, was) == (1, changed)
    assert registry.outcome(second) == "rolled back"
    assert version_of(store, task, CHAMPION) == 1


def test_the_first_champion_has_none_to_go_back_to(store: Store, task: str) -> None:
    assert Registry(store).roll_back(task, "now") == (None, False)
    one = registered(store, task)
    Registry(store).decide(one, PASSED)
    assert Registry(store).roll_back(task, "now") == (one, False)


def test_a_verdict_against_a_model_that_no_longer_serves_is_refused(
    store: Store, task: str
) -> None:
    registry = Registry(store)
    first, second = (registered(store, task) for _ in range(2))
    registry.decide(first, PASSED)
    with pytest.raises(RefusedError, match="the champion changed meanwhile from none to version 1"):
        registry.decide(second, PASSED)
    assert version_of(store, task, CHAMPION) == 1


PROMOTER = """
import json, sys, time
from pathlib import Path
from kappredict.errors import KappredictError
from kappredict.tracking.registry import Decision, Registry
from kappredict.tracking.store import Registered, Store

said = json.loads(sys.argv[1])
registry = Registry(Store(said["uri"]))
registry.holder("any/such/thing", "champion")   # opens the store
Path(said["ready"]).touch()
while not Path(said["go"]).exists():
    time.sleep(0.001)
try:
    registry.decide(Registered(**said["one"]), Decision(**said["decision"]))
except KappredictError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(
    store: Store, task: str, tmp_path: Path
) -> None:
    Registry(store).decide(registered(store, task), PASSED)
    rivals = [registered(store, task) for _ in range(2)]
    ready = [tmp_path / f"ready{one.version}" for one in rivals]
    told = [
        {
            "uri": store.uri,
            "one": asdict(one),
            "decision": asdict(replace(PASSED, against=1)),
            "ready": str(here),
            "go": str(tmp_path / "go"),
        }
        for one, here in zip(rivals, ready, strict=True)
    ]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROMOTER, json.dumps(one)], stdout=subprocess.PIPE, text=True
        )
        for one in told
    ]
    until = time.monotonic() + 60
    while not all(one.exists() for one in ready) and time.monotonic() < until:
        time.sleep(0.01)
    (tmp_path / "go").touch()
    said = [one.communicate(timeout=60)[0] for one in processes]
    codes = [one.returncode for one in processes]
    assert sorted(codes) == [0, 12]
    winner = rivals[codes.index(0)].version
    assert version_of(store, task, CHAMPION) == winner
    assert version_of(store, task, FORMER) == 1
    assert f"from version 1 to version {winner}" in said[codes.index(12)]


def test_a_lock_is_free_again_when_its_holder_is_killed(store: Store) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time\n"
            "from kappredict.tracking.locks import locked\n"
            "with locked(sys.argv[1], 'a name'):\n"
            "    print('held', flush=True)\n"
            "    time.sleep(600)",
            store.uri,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    os.kill(holder.pid, 9)
    holder.wait()
    holder.stdout.close()
    with locked(store.uri, "a name"):
        pass


def test_a_store_without_a_lock_does_not_promote() -> None:
    with (
        pytest.raises(UsageError, match="in the registry's own database"),
        locked("http://127.0.0.1:5000", "a name"),
    ):
        pass
