"""JSON Schema of what `configs/` holds, so that an editor checks a file while it is written.

Each YAML file names its schema in its first lines (`# yaml-language-server: $schema=…`).
"""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from kappredict.domain.base import Source
from kappredict.domain.conditions import Condition
from kappredict.domain.features import ColumnFeature, DeliveredFeature, HistoryFeature
from kappredict.domain.instruments import Instrument
from kappredict.domain.safety import SafetyFlag
from kappredict.domain.studies import StudyDefinition
from kappredict.domain.terminology import Terminology

_KINDS: dict[str, Any] = {
    "instrument": Instrument,
    "condition": Condition,
    "sources": dict[str, Source],
    "study": StudyDefinition,
    "safety": tuple[SafetyFlag, ...],
    "terminology": Terminology,
    "column_features": tuple[ColumnFeature, ...],
    "history_features": tuple[HistoryFeature, ...],
    "session_features": tuple[DeliveredFeature, ...],
}


def schemas() -> dict[str, str]:
    """Give the text of each definition's schema file by its name."""
    return {f"{name}.json": schema_text(kind) for name, kind in _KINDS.items()}


def schema_text(kind: Any) -> str:
    """Give the text of one schema file."""
    return json.dumps(TypeAdapter(kind).json_schema(), indent=1, sort_keys=True) + "\n"


def write_schemas(folder: Path) -> list[Path]:
    """Write the schemas into a folder (`configs/schema/`) and give their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in schemas().items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths
