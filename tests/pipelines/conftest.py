"""A small simulated study, trained once, and the command line run in this process."""

from pathlib import Path

import pytest

from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.writers import write_study
from kappredict.estimators.candidates import BoostedAFT, BoostedTrees
from kappredict.evaluation.settings import (
    ExplanationSettings,
    RandomSplits,
    Schemes,
    TrainingSettings,
)
from kappredict.tracking.store import Store
from pipelines.train import Training, train


@pytest.fixture(scope="session")
def settings() -> TrainingSettings:
    return TrainingSettings(
        seed=3,
        outcomes=("response", "relapse"),
        landmarks=("baseline",),
        least_events=15,
        inner_folds=2,
        resamples=20,
        schemes=Schemes(random_cv=RandomSplits(folds=2, repeats=1)),
        explanation=ExplanationSettings(folds=2, shuffled_outcomes=2, refits=False, resamples=20),
        response_candidates=(BoostedTrees(model="boosted_trees", rounds=20),),
        relapse_candidates=(BoostedAFT(model="boosted_aft", rounds=20),),
    )


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the study and, once it was trained, of its bundles and its MLflow store."""
    folder = tmp_path_factory.mktemp("job")
    simulated = simulate(load_parameters(), patients=700, seed=5, conditions=("depression",))
    write_study(simulated.study, folder / "study")
    return folder


@pytest.fixture(scope="session")
def training(place: Path, settings: TrainingSettings) -> Training:
    store = Store.at(str(place / "mlflow"))
    return train(["all"], place / "study", settings, place / "models", store)
