"""A small simulated study of one condition, and settings for quick searches on it."""

from pathlib import Path

import pytest

from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.writers import write_study

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


@pytest.fixture(scope="session")
def study_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tuned") / "study"
    simulated = simulate(load_parameters(), patients=700, seed=5, conditions=("depression",))
    write_study(simulated.study, folder)
    return folder


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    path = tmp_path / "quick.yaml"
    path.write_text(QUICK, encoding="utf-8")
    return path
