"""The replay of a study: what each retraining would have known, decided and been worth."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from joblib import parallel_config

from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.writers import write_study

SETTINGS = """
seed: 3
landmarks: [baseline]
outcomes: [response]
inner_folds: 2
resamples: 40
schemes: {random_cv: {folds: 2, repeats: 1}}
gate: {least_either_side: 10, least_in_group: 10, slope_from: 0.01, slope_to: 100}
response_candidates: [{model: logistic, inverse_penalty: 0.01}]
relapse_candidates: [{model: pooled_hazard}]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replay")
    drawn = simulate(load_parameters(), patients=900, seed=11, conditions=("depression",))
    write_study(drawn.study, folder / "study")
    (folder / "quick.yaml").write_text(SETTINGS)
    return folder


@pytest.fixture(scope="module")
def done(place: Path, run: Callable[..., Any]) -> Any:
    with parallel_config(backend="sequential"):
        return run(
            *("backtest", "depression", "--study", place / "study", "--every", "12"),
            *("--training", place / "quick.yaml", "--json", place / "replay.json"),
        )


@pytest.fixture(scope="module")
def said(done: Any, place: Path) -> dict[str, Any]:
    assert done.returncode == 0, done.said
    content: dict[str, Any] = json.loads((place / "replay.json").read_text())
    return content


def test_each_retraining_knew_more_than_the_one_before(said: dict[str, Any]) -> None:
    assert [one["date"] for one in said["steps"]] == ["2023-02-01", "2024-02-01", "2025-02-01"]
    known = [one["n"] for one in said["steps"]]
    assert known == sorted(set(known))
    assert said["synthetic"]


def test_the_first_date_had_nothing_to_learn_from(said: dict[str, Any]) -> None:
    (first,) = said["not_modelled"]
    assert first["date"] == "2022-02-01"
    assert "no course could be used" in first["reason"]


def test_each_verdict_has_its_reasons_and_the_later_courses_their_figure(
    said: dict[str, Any],
) -> None:
    for one in said["steps"]:
        assert one["promoted"] == (not one["verdict"]["objections"])
        if one["later_events"] > 20:
            assert 0 < one["challenger"]["low"] < one["challenger"]["high"] < 1
    assert said["steps"][0]["later"] > said["steps"][-1]["later"]


def test_the_table_says_it_in_words(done: Any, said: dict[str, Any]) -> None:
    shown = " ".join(done.stdout.split())
    assert "synthetic data" in shown
    assert ("promoted" in shown) == any(one["promoted"] for one in said["steps"])
    assert "refused" in shown


def test_a_study_without_dates_cannot_be_replayed(
    place: Path, run: Callable[..., Any], tmp_path: Path
) -> None:
    for path in (place / "study").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    patients = pd.read_parquet(tmp_path / "patients.parquet")
    patients.assign(enrolled_on=pd.NaT).to_parquet(tmp_path / "patients.parquet")
    done = run("backtest", "all", "--study", tmp_path, "--training", place / "quick.yaml")
    assert done.returncode == 11
    assert "enrolled_on is empty" in done.said
