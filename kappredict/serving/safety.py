"""Safety flags beside an answer: rules of their own, which no prediction knows of."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from kappredict.config.catalogue import read_safety, read_sources, shipped_configs
from kappredict.domain.safety import SafetyFlag
from kappredict.serving.answers import SafetyNote


def raised(record: Mapping[str, Any]) -> tuple[SafetyNote, ...]:
    """Give what a checked patient record raises, the urgent first."""
    found = [
        SafetyNote(id=one.id, label=one.label, text=one.text, urgent=one.urgent)
        for one in _flags()
        if one.is_raised(record)
    ]
    return tuple(sorted(found, key=lambda one: not one.urgent))


def listed() -> dict[str, Any]:
    """Give every flag with its source in words and how far it was checked."""
    sources = read_sources(shipped_configs())
    return {
        "flags": [
            {
                "id": one.id,
                "label": one.label,
                "text": one.text,
                "mark": one.mark,
                "sources": [sources[key].citation for key in one.sources],
                "note": one.note,
            }
            for one in _flags()
        ]
    }


@cache
def _flags() -> tuple[SafetyFlag, ...]:
    return read_safety([shipped_configs()])
