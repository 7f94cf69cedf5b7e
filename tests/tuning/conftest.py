"""A small simulated study of one condition."""

from pathlib import Path

import pytest

from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.writers import write_study


@pytest.fixture(scope="session")
def study_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tuned") / "study"
    simulated = simulate(load_parameters(), patients=700, seed=5, conditions=("depression",))
    write_study(simulated.study, folder)
    return folder
