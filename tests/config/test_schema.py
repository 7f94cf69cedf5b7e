"""The schemas in `configs/schema/` are what the definitions say, and every file names its own."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from kappredict.config.catalogue import shipped_configs
from kappredict.config.schema import schemas, write_schemas

CONFIGS = shipped_configs()
FOLDERS = ("instruments", "conditions")
DEFINITIONS = [path for name in FOLDERS for path in sorted((CONFIGS / name).glob("*.yaml"))]
DEFINITIONS += [CONFIGS / f"{name}.yaml" for name in ("sources", "terminology", "safety")]


@pytest.mark.parametrize("name", schemas())
def test_the_committed_schema_is_fresh(name: str) -> None:
    committed = (CONFIGS / "schema" / name).read_text(encoding="utf-8")
    assert committed == schemas()[name], "write it again: kappredict.config.schema.write_schemas"


def test_no_other_schema_is_committed() -> None:
    settings = {"training.json"}  # written by `make docs`, with the pages
    assert {path.name for path in (CONFIGS / "schema").iterdir()} == set(schemas()) | settings


def test_what_is_written_is_what_is_said(tmp_path: Path) -> None:
    written = write_schemas(tmp_path / "schema")
    assert {path.name: path.read_text(encoding="utf-8") for path in written} == schemas()


@pytest.mark.parametrize(
    "path", DEFINITIONS, ids=[str(path.relative_to(CONFIGS)) for path in DEFINITIONS]
)
def test_a_definition_names_the_schema_that_an_editor_checks_it_with(path: Path) -> None:
    named = re.search(r"^# yaml-language-server: \$schema=(\S+)$", path.read_text("utf-8"), re.M)
    assert named is not None
    assert (path.parent / named.group(1)).is_file()


def objects(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [found for part in schema for found in objects(part)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if schema.get("type") == "object" and "properties" in schema else []
    return own + [found for part in schema.values() for found in objects(part)]


@pytest.mark.parametrize("name", schemas())
def test_an_editor_refuses_an_unknown_key_as_the_reader_does(name: str) -> None:
    closed = objects(json.loads(schemas()[name]))
    assert closed
    assert all(one["additionalProperties"] is False for one in closed)
