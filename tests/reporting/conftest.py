"""The findings of a small real training, shared by all that is written from them."""

from pathlib import Path

import pytest

from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.writers import write_study
from kappredict.estimators.candidates import BoostedAFT, BoostedTrees
from kappredict.evaluation.settings import (
    ExplanationSettings,
    GroupSplits,
    RandomSplits,
    Schemes,
    TrainingSettings,
)
from kappredict.reporting.findings import Findings
from kappredict.tracking.store import Store
from pipelines.train import Training, train

SETTINGS = TrainingSettings(
    seed=3,
    outcomes=("response", "relapse"),
    landmarks=("baseline",),
    least_events=15,
    inner_folds=2,
    resamples=20,
    schemes=Schemes(
        random_cv=RandomSplits(folds=2, repeats=1), leave_site_out=GroupSplits(most_folds=2)
    ),
    explanation=ExplanationSettings(folds=2, shuffled_outcomes=2, refits=True, resamples=20),
    response_candidates=(BoostedTrees(model="boosted_trees", rounds=8, depth=2),),
    relapse_candidates=(BoostedAFT(model="boosted_aft", rounds=8),),
)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Training:
    folder = tmp_path_factory.mktemp("reported")
    simulated = simulate(load_parameters(), patients=900, seed=5, conditions=("ptsd", "aud"))
    write_study(simulated.study, folder / "study")
    store = Store.at(str(folder / "mlflow"))
    return train(["all"], folder / "study", SETTINGS, folder / "models", store)


@pytest.fixture(scope="session")
def findings(trained: Training) -> list[Findings]:
    return [one.findings for one in trained.trained]


@pytest.fixture(scope="session")
def response(findings: list[Findings]) -> Findings:
    return next(one for one in findings if one.recipe.outcome == "response")


@pytest.fixture(scope="session")
def relapse(findings: list[Findings]) -> Findings:
    return next(one for one in findings if one.recipe.outcome == "relapse")


@pytest.fixture(scope="session")
def page(trained: Training, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the training, as a file."""
    from pipelines.report import report_training

    path = tmp_path_factory.mktemp("page") / "report.html"
    report_training(trained, path)
    return path
