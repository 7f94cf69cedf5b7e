"""What tests share: the shipped catalogue, and the real studies where they are there."""

from pathlib import Path

import pytest

from kappredict.config.catalogue import Catalogue, load_catalogue


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real studies, which lies beside the checkout and is never part of it."""
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real studies are not beside this checkout (../shared/data)")
    return folder
