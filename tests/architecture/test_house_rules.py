"""Rules of the house that no linter knows."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kappredict.config.catalogue import Catalogue

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*ROOT.glob("kappredict/**/*.py"), *ROOT.glob("pipelines/**/*.py")])
each_source = pytest.mark.parametrize(
    "path", SOURCES, ids=[str(p.relative_to(ROOT)) for p in SOURCES]
)


def _literals(path: Path) -> set[str]:
    """Give the text literals of a file that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in documentation
    }


# The audit trail is called what an instrument is called, too.
_HOMONYMS = {"audit"}


@each_source
def test_conditions_and_instruments_are_data(path: Path, catalogue: Catalogue) -> None:
    named = {*catalogue.conditions, *catalogue.instruments} - _HOMONYMS
    assert not named & _literals(path)


@each_source
def test_nothing_is_pickled(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\b(pickle|cloudpickle|joblib|dill)\.(load|dump)", text)


@each_source
def test_every_module_says_what_it_is_for(path: Path) -> None:
    if path.name == "__init__.py" and not path.read_text(encoding="utf-8").strip():
        return
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@each_source
def test_no_module_is_longer_than_can_be_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock", "bootstrap.lock"])
def test_a_lock_file_names_no_address(name: str) -> None:
    lock = (ROOT / name).read_text(encoding="utf-8")
    assert "http" not in lock.replace("via httpx", "").split("--hash", 1)[0]
    assert not re.search(
        r"^\s*(--index-url|--extra-index-url|-i |--find-links)", lock, re.MULTILINE
    )


def test_a_patient_value_is_in_no_error_of_bad_data(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("id: s\nlabel: s\nsynthetic: true\nlicence: none\n")
    (tmp_path / "patients.csv").write_text("patient_id,age\np1,Jane Marker\np2,987654\n")
    (tmp_path / "courses.csv").write_text(
        "course_id,patient_id,condition,index_day\nc1,p1,Markeritis,0\n"
    )
    command = [sys.executable, "-m", "pipelines.cli", "validate", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 11
    shown = done.stdout + done.stderr
    assert "Jane Marker" not in shown
    assert "987654" not in shown
    assert "Traceback" not in shown
