"""What tests share: the shipped catalogue, and the real studies where they are there."""

import io
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

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
