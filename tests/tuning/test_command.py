"""`kappredict tune`: stopped, killed and gone on with, it ends with what it would have had."""

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import pytest
from searching import nothing

from kappredict.config.catalogue import Catalogue
from kappredict.data.totals import with_totals
from kappredict.data.validation import load_study
from kappredict.domain.task import tasks_of
from kappredict.estimators.candidates import Logistic
from kappredict.evaluation.settings import read_settings
from kappredict.evaluation.task_sets import task_sets
from kappredict.tuning.nested import TaskSearches
from kappredict.tuning.storage import Trials

Run = Callable[..., Any]
TRIALS = 8
QUICK = """
seed: 3
outcomes: [response]
landmarks: [baseline]
least_events: 15
inner_folds: 2
resamples: 50
schemes: {random_cv: {folds: 2, repeats: 1}}
tuning: {schemes: {random_cv: {folds: 2, repeats: 1}}}
response_candidates: [{model: logistic, inverse_penalty: 0.01}]
relapse_candidates: [{model: weibull_aft}]
"""
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


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("quick") / "quick.yaml"
    path.write_text(QUICK, encoding="utf-8")
    return path


@dataclass(frozen=True)
class Resumed:
    """A command that was killed with some trials done, and what it said when it was run again."""

    place: Path
    before: int
    done: Any


@pytest.fixture(scope="module")
def resumed(
    study_folder: Path, quick: Path, tmp_path_factory: pytest.TempPathFactory, run: Run
) -> Resumed:
    place = tmp_path_factory.mktemp("resumed")
    command = words(study_folder, quick, place)
    process = started(command, place, TRIALS // 2)
    process.kill()
    process.communicate()
    before = finished(place)
    return Resumed(place, before, run(*command))


def test_killed_it_goes_on_as_if_it_had_not_been(
    resumed: Resumed, study_folder: Path, quick: Path, tmp_path: Path, catalogue: Catalogue
) -> None:
    assert resumed.done.returncode == 0, resumed.done.stderr
    assert f"Going on from {resumed.before} trials" in resumed.done.said
    assert finished(resumed.place) == SEARCHES * TRIALS

    study = with_totals(load_study(study_folder, catalogue), catalogue.instruments)
    settings, calm = read_settings(str(quick)), Trials.at(str(tmp_path))
    (data,), _ = task_sets(study, catalogue, ("depression",), settings)
    for search in TaskSearches.of(data, settings).every:
        search.work(calm, TRIALS, nothing)
    assert kept(resumed.place) == kept(tmp_path)


def test_what_it_found_can_be_trained_with(resumed: Resumed, catalogue: Catalogue) -> None:
    assert "Next: kappredict train depression" in resumed.done.said
    settings = read_settings(str(resumed.place / "tuned.yaml"))
    (task,) = tasks_of(catalogue.condition("depression"), ("response",), ("baseline",))
    content = json.loads((resumed.place / "tuned.json").read_text())["tasks"][0]
    finalists = [one.model_dump(mode="json") for one in settings.candidates(task)]
    assert finalists == content["finalists"]
    assert content["synthetic"]


def test_the_run_keeps_figures_trials_and_optunas_plots(resumed: Resumed) -> None:
    mlflow.set_tracking_uri(f"sqlite:///{resumed.place}/mlflow/mlflow.db")
    (found,) = mlflow.search_runs(
        search_all_experiments=True,
        filter_string="attributes.run_name = 'tune depression/response/baseline'",
        output_format="list",
    )
    content = json.loads((resumed.place / "tuned.json").read_text())["tasks"][0]
    auc = content["schemes"]["random_cv"]["searched"]["auc"]["value"]
    assert found.data.metrics["random_cv.searched.auc"] == pytest.approx(auc)
    client = mlflow.MlflowClient()
    figures = {Path(one.path).stem for one in client.list_artifacts(found.info.run_id, "figures")}
    assert {"history", "importances", "parallel", "slices", "timeline"} <= figures
    files = {one.path for one in client.list_artifacts(found.info.run_id)}
    assert {"trials.csv", "tuned.yaml"} <= files


def test_stopped_it_says_how_to_go_on(
    study_folder: Path, quick: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Logistic, "fit", interrupted)
    done = run(*words(study_folder, quick, tmp_path))
    assert done.returncode == 130
    assert "the same command goes on from here" in done.said
    assert "Traceback" not in done.stderr


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_changed_settings_are_another_search_and_it_says_so(
    resumed: Resumed, study_folder: Path, quick: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Logistic, "fit", interrupted)
    other = run(*words(study_folder, quick, resumed.place), "--seed", 4)
    assert "of other data, settings or spaces" in other.said
    assert "Going on" not in other.said


def test_a_process_that_leaves_trials_to_others_says_so(
    resumed: Resumed, study_folder: Path, quick: Path, tmp_path: Path, run: Run
) -> None:
    with (
        sqlite3.connect(resumed.place / "trials.db") as source,
        sqlite3.connect(tmp_path / "trials.db") as copy,
    ):
        source.backup(copy)
        copy.execute("UPDATE trials SET state = 'RUNNING' WHERE trial_id = 1")
        copy.execute(
            "UPDATE trial_user_attributes SET value_json = '\"elsewhere/1\"' WHERE key = 'worker'"
        )
    done = run(*words(study_folder, quick, tmp_path))
    assert done.returncode == 0
    assert "still at 1 trials" in done.said
    assert not (tmp_path / "tuned.yaml").exists()


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
    study_folder: Path, tmp_path: Path, run: Run, written: str, place: str, remedy: str
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(QUICK.replace("tuning: {", "tuning: {spaces: {" + written + "}, "))
    done = run("tune", "depression", "--study", study_folder, "--training", path)
    assert done.returncode == 10
    assert str(path) in done.said
    assert place in done.said
    assert remedy in done.said


def test_a_database_that_is_not_there_is_named_without_its_password(
    study_folder: Path, quick: Path, run: Run
) -> None:
    address = "postgresql://me:secret@127.0.0.1:1/none"
    done = run(
        *("tune", "depression", "--study", study_folder, "--training", quick),
        *("--storage", address),
    )
    assert done.returncode == 2
    assert "127.0.0.1" in done.said
    assert "secret" not in done.said
