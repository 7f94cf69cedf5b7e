"""A registry in SQLite and one in a real PostgreSQL."""

from collections.abc import Iterator
from typing import Any

import pytest

from kappredict.tracking.store import ARTIFACTS, Store


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A store whose tables MLflow lays out once, for all tests; its files are in a folder."""
    folder = tmp_path_factory.mktemp(str(request.param))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ARTIFACTS, (folder / "artifacts").as_uri())
        server: Any = request.getfixturevalue("postgresql") if request.param != "sqlite" else None
        yield Store(server.database("psycopg")) if server else Store.at(str(folder))
