"""A small simulated study, trained once, and the command line run in this process."""

import io
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.writers import write_study
from kappredict.estimators.candidates import BoostedAFT, BoostedTrees
from kappredict.evaluation.settings import RandomSplits, Schemes, TrainingSettings
from kappredict.tracking.store import Store
from pipelines.cli import main
from pipelines.train import Training, train


@dataclass(frozen=True)
class Done:
    """How a command ended; `said` is all that it wrote to stderr, on one line."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        return " ".join(self.stderr.split())


@pytest.fixture(scope="session")
def run() -> Callable[..., Done]:
    """Run the command line in this process, which has all its imports already."""

    def run(*words: object) -> Done:
        out, err = io.StringIO(), io.StringIO()
        code = 0
        with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["kappredict", *map(str, words)])
            try:
                main()
            except SystemExit as ended:
                code = int(ended.code or 0)
        return Done(code, out.getvalue(), err.getvalue())

    return run


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
