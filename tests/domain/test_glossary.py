"""The glossary and the code use the same words."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "GLOSSARY.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| word")
]
CODE = "\n".join(
    path.read_text(encoding="utf-8")
    for folder in ("kappredict", "pipelines")
    for path in sorted((ROOT / folder).glob("**/*.py"))
)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_the_code_has_the_name_that_the_glossary_gives(row: list[str]) -> None:
    missing = [
        name for name in re.findall(r"`(\w+)`", row[2]) if not re.search(rf"\b{name}\b", CODE)
    ]
    assert not missing


def test_every_word_is_explained_once() -> None:
    words = [word for row in ROWS for word in row[0].split(", ")]
    assert len(set(words)) == len(words)
    assert all(len(row) == 4 for row in ROWS)
