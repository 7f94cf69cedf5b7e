"""`kappredict tune`: stopped, killed and gone on with, it ends with what it would have had."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest

from kappredict.domain.task import tasks_of
from kappredict.evaluation.settings import read_settings
from kappredict.tuning.storage import Trials

TRIALS = 10
SEARCHES = 3  # over all rows, and in two training folds


def words(study: Path, quick: Path, place: Path) -> list[str]:
    """Give the command."""
    return [
        *("tune", "depression", "--study", str(study), "--trials", str(TRIALS)),
        *("--storage", str(place), "--training", str(quick), "--store", str(place / "mlflow")),
        *("--out", str(place / "tuned.yaml"), "--json", str(place / "tuned.json")),
    ]


def started(command: list[str], place: Path, least: int) -> subprocess.Popen[str]:
    """Start it as a process of its own, and wait until it has finished some trials."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", *command], stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while finished(place) < least:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def finished(place: Path) -> int:
    """Count the trials that are done."""
    if not (place / "trials.db").exists():
        return 0
    with sqlite3.connect(place / "trials.db", timeout=60) as connection:
        try:
            query = "SELECT count(*) FROM trials WHERE state IN ('COMPLETE', 'PRUNED')"
            return int(connection.execute(query).fetchone()[0])
        except sqlite3.OperationalError:  # the tables are not there yet
            return 0


def kept(place: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Give what is kept of each search."""
    trials = Trials.at(str(place))
    return {
        name: [(one.state, one.params, one.value) for one in trials.of(name).trials]
        for name in trials.names
    }


def test_stopped_and_killed_it_goes_on_as_if_it_had_not_been(
    study_folder: Path, quick: Path, tmp_path: Path, run: Callable[..., Any]
) -> None:
    place, calm = tmp_path / "place", tmp_path / "calm"
    place.mkdir()
    command = words(study_folder, quick, place)
    process = started(command, place, 3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "goes on from here" in said
    assert "Traceback" not in said

    process = started(command, place, finished(place) + 3)
    process.kill()
    process.communicate()
    before = finished(place)

    done = run(*command)
    assert done.returncode == 0, done.stderr
    assert f"Going on from {before} trials" in done.said
    assert run(*words(study_folder, quick, calm)).returncode == 0
    assert finished(place) == SEARCHES * TRIALS
    assert kept(place) == kept(calm)
    assert (place / "tuned.yaml").read_text() == (calm / "tuned.yaml").read_text()


def test_what_it_found_can_be_trained_with_and_is_kept(
    study_folder: Path, quick: Path, tmp_path: Path, run: Callable[..., Any], catalogue: Any
) -> None:
    done = run(*words(study_folder, quick, tmp_path))
    assert done.returncode == 0, done.stderr
    assert "3 searches of 10 trials" in done.said
    assert "Next: kappredict train depression" in done.said
    assert "On rows that no search saw" in done.stdout
    settings = read_settings(str(tmp_path / "tuned.yaml"))
    (task,) = tasks_of(catalogue.condition("depression"), ("response",), ("baseline",))
    content = json.loads((tmp_path / "tuned.json").read_text())["tasks"][0]
    finalists = [one.model_dump(mode="json") for one in settings.candidates(task)]
    assert finalists == content["finalists"]
    assert content["synthetic"]

    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow/mlflow.db")
    query = f"attributes.run_name = 'tune {task.name}'"
    (found,) = mlflow.search_runs(
        search_all_experiments=True, filter_string=query, output_format="list"
    )
    assert found.data.metrics["random_cv.searched.auc"] == pytest.approx(
        content["schemes"]["random_cv"]["searched"]["auc"]["value"]
    )
    artefacts = mlflow.MlflowClient().list_artifacts(found.info.run_id, "figures")
    names = {Path(one.path).stem for one in artefacts}
    assert {"history", "importances", "parallel", "slices", "timeline"} <= names

    trained = run(
        *("train", "depression", "--study", study_folder, "--models", tmp_path / "models"),
        *("--training", tmp_path / "tuned.yaml", "--store", tmp_path / "mlflow"),
    )
    assert trained.returncode == 0, trained.stderr
    assert "chose the candidates" in " ".join(trained.stdout.split())


def test_changed_settings_are_another_search_and_it_says_so(
    study_folder: Path, quick: Path, tmp_path: Path, run: Callable[..., Any]
) -> None:
    command = [*words(study_folder, quick, tmp_path), "--trials", "1"]
    assert run(*command).returncode == 0
    other = run(*command, "--seed", 4)
    assert "of other data, settings or spaces" in other.said
    assert "Going on" not in other.said


@pytest.mark.parametrize(
    ("written", "place", "remedy"),
    [
        ("logistic: {inverse_penaltie: {low: 1, high: 2}}", "logistic.inverse_penaltie", "did you"),
        ("logistik: {inverse_penalty: {low: 1, high: 2}}", "logistik", "did you mean 'logistic'"),
        ("logistic: {inverse_penalty: {low: 0, high: 2}}", "logistic.inverse_penalty", "0"),
        ("logistic: {inverse_penalty: {low: 3, high: 2}}", "inverse_penalty", "below high (2)"),
        ("boosted_trees: {depth: {low: 1.5, high: 2}}", "boosted_trees.depth", "1.5"),
    ],
)
def test_a_wrong_space_is_named_with_file_and_key(
    study_folder: Path, quick: Path, run: Callable[..., Any], written: str, place: str, remedy: str
) -> None:
    text = quick.read_text().replace("tuning: {", "tuning: {spaces: {" + written + "}, ")
    quick.write_text(text)
    done = run("tune", "depression", "--study", study_folder, "--training", quick)
    assert done.returncode == 10
    assert str(quick) in done.said
    assert place in done.said
    assert remedy in done.said


def test_a_database_that_is_not_there_is_named_without_its_password(
    study_folder: Path, quick: Path, run: Callable[..., Any]
) -> None:
    address = "postgresql://me:secret@127.0.0.1:1/none"
    done = run(
        *("tune", "depression", "--study", study_folder, "--training", quick),
        *("--storage", address),
    )
    assert done.returncode == 2
    assert "127.0.0.1" in done.said
    assert "secret" not in done.said


def test_a_process_that_leaves_trials_to_others_says_so(
    study_folder: Path, quick: Path, tmp_path: Path, run: Callable[..., Any]
) -> None:
    command = [*words(study_folder, quick, tmp_path), "--trials", "1"]
    assert run(*command).returncode == 0
    (tmp_path / "tuned.yaml").unlink()
    with sqlite3.connect(tmp_path / "trials.db") as connection:
        connection.execute("UPDATE trials SET state = 'RUNNING' WHERE trial_id = 1")
        own = f'"elsewhere/{os.getpid()}"'
        connection.execute(
            "UPDATE trial_user_attributes SET value_json = ? WHERE key = 'worker'", [own]
        )
    done = run(*command)
    assert done.returncode == 0
    assert "still at 1 trials" in done.said
    assert not (tmp_path / "tuned.yaml").exists()
