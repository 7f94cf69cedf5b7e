"""A night's retraining, its runs and registry in a real PostgreSQL: killed at any step it goes on,
done twice it does nothing, and who serves afterwards passed the gate."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest

from kappredict.data.as_of import as_of
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.study import Study
from kappredict.data.writers import write_study
from kappredict.estimators.bundle import digest
from kappredict.tracking.registry import Registry
from kappredict.tracking.store import ARTIFACTS, CHALLENGER, CHAMPION, Store

SETTINGS = """
seed: 3
landmarks: [baseline]
outcomes: [response]
inner_folds: 2
resamples: 60
schemes: {random_cv: {folds: 2, repeats: 1}}
explanation: {folds: 2, shuffled_outcomes: 2, refits: false, resamples: 20}
gate:
  least_either_side: 50
  slope_from: 0.1
  slope_to: 5
  margins: {discrimination: 0.3, brier: 0.2, ici: 0.3, worst_group: 0.5}
response_candidates: [{model: logistic, inverse_penalty: 0.01}]
relapse_candidates: [{model: pooled_hazard}]
"""
LARGE, SMALL = "depression/response/baseline", "ptsd/response/baseline"
KILLED_AT = [
    ("training depression", 0.4),  # in the middle of it
    ("training ptsd", 0.0),
    (f"judging {SMALL}", 0.0),
    ("exporting", 0.0),
]


@pytest.fixture(scope="module")
def study() -> Study:
    drawn = simulate(load_parameters(), patients=1500, seed=11, conditions=("depression", "ptsd"))
    return drawn.study


@pytest.fixture(scope="module")
def store(postgresql: Any) -> Store:
    return Store(postgresql.database("psycopg"))


@pytest.fixture(scope="module")
def night(study: Study, store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the night: study, models and what each attempt told."""
    folder = tmp_path_factory.mktemp("night")
    write_study(as_of(study, pd.Timestamp("2024-07-01")), folder / "study")
    (folder / "night.yaml").write_text(SETTINGS)
    attempts = [*KILLED_AT, ("", 0.0), ("", 0.0)]
    settings = str(folder / "night.yaml")
    plan = {"settings": settings, "store": store.uri, "attempts": attempts}
    (folder / "plan.json").write_text(json.dumps(plan))
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("night.py"), folder / "plan.json"],
        # Without workers an attempt is one process.
        env=os.environ | {"LOKY_MAX_CPU_COUNT": "1", ARTIFACTS: (folder / "files").as_uri()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (folder / "told.json").write_text(done.stdout)
    store.find_run({"kind": "retrain"})  # a first look keeps MLflow's own warnings to itself
    return folder


@pytest.fixture(scope="module")
def told(night: Path) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = json.loads((night / "told.json").read_text())
    return content


def test_each_attempt_was_killed_where_it_should_be_and_the_next_went_on(
    told: list[dict[str, Any]],
) -> None:
    assert [one["killed"] for one in told] == [*([True] * len(KILLED_AT)), False, False]
    said = [" ".join(one["said"]) for one in told]
    assert [index for index, one in enumerate(said) if "training depression" in one] == [0, 1]
    assert [index for index, one in enumerate(said) if "training ptsd" in one] == [1, 2]


def test_nothing_was_registered_twice(store: Store, told: list[dict[str, Any]]) -> None:
    assert told
    client = mlflow.MlflowClient(store.uri)
    versions = [(one.name, one.version) for one in client.search_model_versions()]
    assert sorted(versions) == [(SMALL.replace("/", "."), 1), (LARGE.replace("/", "."), 1)][::-1]


def test_who_passed_the_gate_serves_and_who_did_not_waits(store: Store, night: Path) -> None:
    registry = Registry(store)
    champion, challenger = registry.holder(LARGE, CHAMPION), registry.holder(SMALL, CHALLENGER)
    assert champion is not None
    assert challenger is not None
    assert (registry.outcome(champion), registry.outcome(challenger)) == ("promoted", "refused")
    assert digest(night / "models" / LARGE) == digest(store.bundle_of_version(champion))
    assert not (night / "models" / SMALL).exists()


def test_one_run_tells_what_changed(store: Store, told: list[dict[str, Any]]) -> None:
    client = mlflow.MlflowClient(store.uri)
    experiments = [one.experiment_id for one in client.search_experiments()]
    (run,) = client.search_runs(experiments, "tags.kind = 'retrain'")
    assert run.info.status == "FINISHED"
    page = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/summary.md")
    assert f"{LARGE} | 516 courses" in page
    assert "the sample is too small" in page
    assert told[4]["summary"]["new"]


def test_a_second_time_there_is_nothing_new(told: list[dict[str, Any]]) -> None:
    before, again = told[4]["summary"], told[5]["summary"]
    assert (again["new"], again["exported"]) == (False, [])
    assert again["verdicts"] == before["verdicts"]
    assert "judging" not in " ".join(told[5]["said"])


@pytest.fixture(scope="module")
def month_later(night: Path, store: Store, study: Study, run: Callable[..., Any]) -> Any:
    """The command of a later night, on more data."""
    write_study(study, night / "grown")
    return run(
        *("retrain", "depression", "--study", night / "grown", "--models", night / "models"),
        *("--store", store.uri, "--training", night / "night.yaml"),
        *("--json", night / "grown.json"),
    )


def test_new_data_meet_the_champion_and_the_summary_has_both(
    month_later: Any, night: Path, told: list[dict[str, Any]]
) -> None:
    assert told
    said = json.loads((night / "grown.json").read_text())
    (verdict,) = said["verdicts"]
    assert month_later.returncode == (0 if verdict["passed"] else 12)
    assert verdict["against"] == 1
    assert verdict["data"]["n"] > verdict["data_before"]["n"]
    assert set(verdict["figures"]) == {"discrimination", "brier", "ici", "worst_group"}
    assert "that the champion never saw" in verdict["compared"]


def test_rolling_back_puts_the_former_champion_on_the_shelf(
    month_later: Any, night: Path, store: Store, run: Callable[..., Any]
) -> None:
    serves = Registry(store).holder(LARGE, CHAMPION)
    assert serves is not None
    assert month_later.returncode == 0
    assert serves.version == 2
    words = ("promote", LARGE, "--rollback", "--store", store.uri)
    done = run(*words, "--models", night / "models")
    assert done.returncode == 0, done.said
    assert "version 1 serves again" in done.said
    first = store.bundle_folder(f"{LARGE}@champion")
    assert digest(night / "models" / LARGE) == digest(first)
    assert "there is nothing to undo" in run(*words).said


def test_promoting_without_a_challenger_says_what_serves(
    night: Path, store: Store, run: Callable[..., Any]
) -> None:
    done = run(
        *("promote", "gad/response/baseline", "--study", night / "study"),
        *("--store", store.uri, "--training", night / "night.yaml"),
    )
    assert done.returncode == 2
    assert "has no challenger" in done.said


def test_a_refused_challenger_may_be_judged_again_and_says_why(
    night: Path, store: Store, run: Callable[..., Any]
) -> None:
    done = run(
        *("promote", SMALL, "--study", night / "study", "--models", night / "models"),
        *("--store", store.uri, "--training", night / "night.yaml"),
    )
    assert done.returncode == 12
    assert "version 1 refused; none serves" in done.stdout
    assert "against it: the sample is too small" in done.stdout
    assert not (night / "models" / SMALL).exists()


def test_invalid_data_end_the_night_before_anything_is_trained(
    store: Store, study: Study, run: Callable[..., Any], tmp_path: Path
) -> None:
    write_study(study, tmp_path / "study")
    courses = pd.read_parquet(tmp_path / "study" / "courses.parquet")
    courses.assign(condition="no such thing").to_parquet(tmp_path / "study" / "courses.parquet")
    done = run("retrain", "all", "--study", tmp_path / "study", "--store", store.uri)
    assert done.returncode == 11
    assert "training" not in done.said.split("Error")[0]


def test_importing_and_its_source_go_together(night: Path, run: Callable[..., Any]) -> None:
    done = run("retrain", "all", "--study", night / "study", "--import", night)
    assert done.returncode == 2
