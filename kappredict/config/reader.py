"""Reads YAML into definitions; an error names file, key, value and the nearest known key."""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from kappredict.errors import DefinitionError

Model = TypeVar("Model", bound=BaseModel)
Content = TypeVar("Content")


class _UniqueKeyLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice, which YAML would silently let win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {str(key) for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"key given twice: {', '.join(sorted(twice))}", node.start_mark
            )
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path) -> Any:
    """Read a YAML file with the safe loader.

    Raises
    ------
    DefinitionError
        If the file is missing, unreadable, or no YAML.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506  # a SafeLoader
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(str(path), [f"cannot be read ({error})"]) from error
    except yaml.YAMLError as error:
        raise DefinitionError(str(path), [f"is not valid YAML ({error})"]) from error


def read_definition(path: Path, kind: type[Model]) -> Model:
    """Read a YAML file as one definition of the given kind."""
    return parse_definition(read_yaml(path), kind, place=str(path))


def read_definitions(path: Path, kind: type[Content]) -> Content:
    """Read a YAML file as a collection, such as `tuple[HistoryFeature, ...]`."""
    try:
        return TypeAdapter(kind).validate_python(read_yaml(path))
    except ValidationError as error:
        raise DefinitionError(str(path), [_describe(one, ()) for one in error.errors()]) from error


def parse_definition(content: Any, kind: type[Model], *, place: str) -> Model:
    """Check content against a kind of definition; `place` is what an error names.

    Raises
    ------
    DefinitionError
        With every problem found, each with its key and value.
    """
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        known = tuple(_keys(kind.model_json_schema()))
        raise DefinitionError(place, [_describe(one, known) for one in error.errors()]) from error


def _describe(error: ErrorDetails, known: tuple[str, ...]) -> str:
    """Word one problem: the key, what is wrong, the value found, and the nearest known key."""
    key = ".".join(str(part) for part in error["loc"]) or "(the whole file)"
    found = "" if error["type"] == "missing" else f", found {_short(error['input'])}"
    nearest = ""
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
        nearest = f"; did you mean '{near[0]}'?" if near else ""
    message = {"missing": "is required", "extra_forbidden": "is not a known key"}.get(
        error["type"], error["msg"]
    )
    return f"{key}: {message}{found}{nearest}"


def _keys(schema: Any) -> Iterator[str]:
    """Give every key that a definition knows, at whatever depth."""
    if isinstance(schema, dict):
        yield from schema.get("properties", ())
        for part in schema.values():
            yield from _keys(part)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
