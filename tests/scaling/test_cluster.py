"""A Dask cluster gives what one machine gives, survives a dead worker, and trains what serves."""

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kappredict.config.catalogue import Catalogue
from kappredict.data.partitioning import partition_study
from kappredict.data.readers import parts_of
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.writers import write_study
from kappredict.estimators.bundle import load_bundle
from kappredict.estimators.candidates import BoostedAFT, BoostedTrees
from kappredict.estimators.matrix import TrainingMatrix
from kappredict.evaluation.metrics_binary import auc
from kappredict.scaling.cluster import WorkOnCluster
from kappredict.scaling.trees import GrowOnCluster

LEARNT, ASKED, COLUMNS = 4000, 4000, 8
SETTINGS = """
seed: 1
outcomes: [response]
landmarks: [baseline]
inner_folds: 2
resamples: 20
most_described: 1000
schemes:
  random_cv: {folds: 2, repeats: 1}
explanation: {folds: 2, shuffled_outcomes: 1, refits: false, resamples: 20}
response_candidates:
  - {model: boosted_trees, rounds: 10}
relapse_candidates:
  - {model: boosted_aft, rounds: 10}
"""


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, memory_limit="2GiB", dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def divided(tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> Path:
    folder = tmp_path_factory.mktemp("scaling")
    study = simulate(load_parameters(), patients=240, seed=5, conditions=("depression",)).study
    write_study(study, folder / "whole")
    whole, out = folder / "whole", folder / "divided"
    partition_study(whole, out, catalogue, 4)
    return out


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    columns = rng.normal(size=(LEARNT + ASKED, COLUMNS))
    odds = columns[:, 0] - 0.7 * columns[:, 1] * (columns[:, 2] > 0)
    columns[rng.random(columns.shape) < 0.1] = np.nan
    return columns, (rng.random(len(odds)) < 1 / (1 + np.exp(-odds))).astype(float)


def die_once(part: Path, mark: Path) -> str:
    """Kill the worker that is asked for the second partition first."""
    if part.name == "part-00001" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return part.name


def matrix(columns: np.ndarray, outcome: np.ndarray) -> TrainingMatrix:
    size = len(outcome)
    return TrainingMatrix(
        columns, outcome, np.ones(size), np.zeros(COLUMNS), np.zeros(size, dtype=int)
    )


def test_trees_grown_on_a_cluster_are_as_good(
    client: Any, drawn: tuple[np.ndarray, np.ndarray]
) -> None:
    columns, outcome = drawn
    rows = matrix(columns[:LEARNT], outcome[:LEARNT])
    here = BoostedTrees(model="boosted_trees", depth=3, rounds=40)
    there = here.grown_by(GrowOnCluster(client))

    found = [
        auc(outcome[LEARNT:], margins, np.zeros(ASKED), np.ones((1, ASKED))).item()
        for one in (here, there, there)
        for margins in [one.fit(rows, seed=1).values(columns[LEARNT:])]
    ]
    assert found[1] == pytest.approx(found[0], abs=0.005)
    assert found[1] == found[2]
    assert there.model_dump() == here.model_dump()


def test_times_are_fitted_on_a_cluster_too(
    client: Any, drawn: tuple[np.ndarray, np.ndarray]
) -> None:
    columns, outcome = drawn
    days = np.column_stack([20 - 10 * outcome, np.where(outcome > 0, 25, np.inf)])
    rows = matrix(columns[:LEARNT], days[:LEARNT])
    here = BoostedAFT(model="boosted_aft", rounds=30)
    margins = [
        one.fit(rows, seed=1).values(columns[LEARNT:])
        for one in (here, here.grown_by(GrowOnCluster(client)))
    ]
    assert np.corrcoef(*margins)[0, 1] > 0.98


def test_a_bundle_trained_on_a_cluster_serves(
    client: Any, divided: Path, run: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "few.yaml").write_text(SETTINGS)
    address = client.scheduler.address
    assert run("validate", divided, "--dask", address).returncode == 0
    done = run(
        "train", "depression", "--study", divided, "--dask", address,
        "--training", tmp_path / "few.yaml",
        "--models", tmp_path / "models", "--store", tmp_path / "mlflow",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "models" / "depression" / "response" / "baseline"
    assert load_bundle(folder).recipe.provenance.n > 100
    one = parts_of(divided)[0]
    assert run("predict", folder, one, "--out", tmp_path / "answers.csv").returncode == 0
    assert len(pd.read_csv(tmp_path / "answers.csv")) > 50


@pytest.mark.filterwarnings("ignore:.*:pytest.PytestUnraisableExceptionWarning")  # the dead one's
def test_what_a_dead_worker_was_doing_is_done_by_another(
    client: Any, divided: Path, tmp_path: Path
) -> None:
    work = WorkOnCluster(client)
    found = work(partial(die_once, mark=tmp_path / "died"), parts_of(divided))
    assert found == [part.name for part in parts_of(divided)]
    assert (tmp_path / "died").exists()
