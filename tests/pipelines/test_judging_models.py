"""Judging a trained model elsewhere: `kappredict evaluate` and `kappredict compare`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.writers import write_study
from kappredict.estimators.bundle import load_bundle
from pipelines.train import Training


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of other patients at other sites."""
    folder = tmp_path_factory.mktemp("elsewhere")
    drawn = simulate(load_parameters(), patients=900, seed=77, conditions=("depression",))
    write_study(drawn.study, folder)
    return folder


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings with few resamples."""
    path = tmp_path_factory.mktemp("settings") / "quick.yaml"
    path.write_text(
        "resamples: 30\nschemes: {}\n"
        "response_candidates: [{model: logistic}]\nrelapse_candidates: [{model: pooled_hazard}]\n"
    )
    return path


def said(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


@pytest.mark.parametrize("outcome", ["response", "relapse"])
def test_a_foreign_study_gives_figures_before_and_after_recalibration_and_a_verdict(
    run: Callable[..., Any],
    training: Training,
    elsewhere: Path,
    quick: Path,
    outcome: str,
    tmp_path: Path,
) -> None:
    model = next(one.folder for one in training.trained if f"/{outcome}/" in one.bundle.task.name)
    done = run(
        *("evaluate", model, "--study", elsewhere, "--training", quick),
        *("--json", tmp_path / "said.json"),
    )
    assert done.returncode == 0, done.said
    found = said(tmp_path / "said.json")
    figure = "auc" if outcome == "response" else "c_index"
    assert 0 < found[figure]["low"] < found[figure]["value"] < found[figure]["high"] < 1
    assert set(found["recalibrated"]) == {"intercept", "intercept_and_slope"}
    assert 0.3 < found["case_mix"]["membership_auc"]["value"] < 0.9
    assert len(found["verdict"]) == 4
    assert found["verdict"][0] in " ".join(done.stdout.split())


def test_recalibration_moves_the_level_and_says_so_in_the_bundle(
    run: Callable[..., Any], training: Training, elsewhere: Path, quick: Path, tmp_path: Path
) -> None:
    one = next(one for one in training.trained if "/response/" in one.bundle.task.name)
    done = run(
        *("evaluate", one.folder, "--study", elsewhere, "--training", quick),
        *("--recalibrate", "intercept", "--out", tmp_path),
    )
    assert done.returncode == 0, done.said
    bundle = load_bundle(tmp_path / one.bundle.task.name)
    assert bundle.calibration.slope == one.bundle.calibration.slope
    assert bundle.calibration.intercept != one.bundle.calibration.intercept
    note = bundle.recipe.recalibration
    assert note is not None
    assert note.way == "intercept"
    assert note.n > 100


def test_the_study_it_was_trained_on_is_no_validation(
    run: Callable[..., Any], training: Training, place: Path, quick: Path
) -> None:
    model = training.trained[0].folder
    done = run("evaluate", model, "--study", place / "study", "--training", quick)
    assert "it was trained on this very study" in " ".join(done.stdout.split())


def test_a_model_compared_with_itself_differs_by_nothing(
    run: Callable[..., Any], training: Training, elsewhere: Path, quick: Path, tmp_path: Path
) -> None:
    model = training.trained[0].folder
    out = tmp_path / "said.json"
    done = run("compare", model, model, "--study", elsewhere, "--training", quick, "--json", out)
    assert done.returncode == 0, done.said
    gap = said(out)["difference"]["auc"]
    assert (gap["value"], gap["low"], gap["high"]) == (0.0, 0.0, 0.0)


def test_models_of_two_tasks_are_not_compared(
    run: Callable[..., Any], training: Training, elsewhere: Path, quick: Path
) -> None:
    first, second = (training.trained[place].folder for place in (0, 1))
    done = run("compare", first, second, "--study", elsewhere, "--training", quick)
    assert done.returncode == 2
    assert "answer different questions" in done.said


def test_a_study_without_such_outcomes_is_refused(
    run: Callable[..., Any], training: Training, quick: Path, tmp_path: Path
) -> None:
    drawn = simulate(load_parameters(), patients=50, seed=3, conditions=("ptsd",))
    write_study(drawn.study, tmp_path)
    done = run("evaluate", training.trained[0].folder, "--study", tmp_path, "--training", quick)
    assert done.returncode == 12
    assert "no course to judge the model on" in done.said
