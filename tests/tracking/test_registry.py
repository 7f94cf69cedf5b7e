"""Who serves: one champion at a time, whoever promotes, in SQLite as in PostgreSQL."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace

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


PROMOTERS = """
import json, os, sys
from kappredict.errors import KappredictError
from kappredict.tracking.registry import Decision, Registry
from kappredict.tracking.store import Registered, Store

def say(*words):  # in one write, or what two processes say at once is mixed
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

told = json.loads(sys.argv[1])
wait, start = os.pipe()
children = []
for one in told["rivals"]:
    children.append(os.fork())
    if children[-1] == 0:
        registry = Registry(Store(told["uri"]))
        registry.holder(told["task"], "champion")  # opens the store
        os.close(start)
        say("ready")
        os.read(wait, 1)                           # both go on when it is closed
        try:
            registry.decide(Registered(**one), Decision(**told["decision"]))
            say("won")
        except KappredictError as error:
            say(error.exit_code, error)
        os._exit(0)
sys.stdin.readline()
os.close(start)
for child in children:
    os.waitpid(child, 0)
"""


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(store: Store, task: str) -> None:
    Registry(store).decide(registered(store, task), PASSED)
    rivals = [registered(store, task) for _ in range(2)]
    told = {
        "uri": store.uri,
        "task": task,
        "rivals": [asdict(one) for one in rivals],
        "decision": asdict(replace(PASSED, against=1)),
    }
    with subprocess.Popen(
        [sys.executable, "-c", PROMOTERS, json.dumps(told)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as both:
        assert both.stdout is not None
        assert [both.stdout.readline() for _ in rivals] == ["ready\n"] * 2
        said, _ = both.communicate("go\n", timeout=60)
    winner = version_of(store, task, CHAMPION)
    assert winner in {2, 3}
    assert version_of(store, task, FORMER) == 1
    assert sorted(line.split()[0] for line in said.splitlines()) == ["12", "won"]
    assert f"from version 1 to version {winner}" in said


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
