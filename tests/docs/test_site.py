"""The documentation site builds without a warning, and its tutorials' commands run as written."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jupytext
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.py"))


def test_the_site_builds_with_warnings_as_errors(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "index.html").is_file()
    page = (tmp_path / "reference" / "explanation.html").read_text(encoding="utf-8")
    assert "to_points" in page


@pytest.mark.slow
def test_the_data_scientists_tutorial_runs_as_written(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "tutorials" / "data-scientist.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^\$ kappredict (.*)$", text, re.MULTILINE)
    assert len(commands) > 8
    for command in commands:
        done = run(*shlex.split(command))
        assert done.returncode == 0, (command, done.stderr)
    assert (tmp_path / "build" / "report.html").is_file()
    assert (tmp_path / "build" / "card" / "card.md").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=[one.stem for one in NOTEBOOKS])
def test_a_notebook_runs_from_top_to_bottom(
    path: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "STUDIES" in path.read_text(encoding="utf-8"):
        monkeypatch.setenv("STUDIES", str(request.getfixturevalue("real_data")))
    monkeypatch.setenv("WORK", str(tmp_path))
    NotebookClient(
        jupytext.read(path), timeout=240, resources={"metadata": {"path": ROOT}}
    ).execute()
