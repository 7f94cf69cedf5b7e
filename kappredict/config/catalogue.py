"""The catalogue: all of `configs/`, read and cross-checked at once."""

import difflib
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from kappredict.config.reader import parse_definition, read_definition, read_definitions, read_yaml
from kappredict.domain.base import Definition, Source, Sourced
from kappredict.domain.conditions import Condition, Scale
from kappredict.domain.features import (
    ColumnFeature,
    DeliveredFeature,
    FeatureDefinitions,
    HistoryFeature,
    Monotone,
)
from kappredict.domain.instruments import Instrument
from kappredict.domain.rules import thresholds
from kappredict.domain.safety import SafetyFlag, ScoreAbove
from kappredict.domain.studies import StudyDefinition
from kappredict.domain.terminology import Terminology
from kappredict.errors import DefinitionError

Identified = TypeVar("Identified", Instrument, Condition)


def shipped_configs() -> Path:
    """Find the `configs/` that ships: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "configs"
    return installed if installed.is_dir() else package.parent / "configs"


@dataclass(frozen=True)
class Catalogue:
    """Every definition, source and term of other systems, cross-checked."""

    instruments: dict[str, Instrument]
    conditions: dict[str, Condition]
    features: FeatureDefinitions
    sources: dict[str, Source]
    terminology: Terminology
    safety: tuple[SafetyFlag, ...]

    def condition(self, name: str) -> Condition:
        """Give a condition by its id.

        Raises
        ------
        DefinitionError
            If there is none, with the nearest known id.
        """
        if name not in self.conditions:
            raise DefinitionError("condition", [unknown(name, self.conditions)])
        return self.conditions[name]

    def for_study(self, study: StudyDefinition) -> "Catalogue":
        """Give the catalogue with the study's own replacements of condition keys."""
        replaced = dict(self.conditions)
        for name, keys in study.conditions.items():
            place = f"study.yaml of {study.id}: conditions.{name}"
            if name not in replaced:
                raise DefinitionError(place, [unknown(name, replaced)])
            merged = replaced[name].model_dump(mode="json") | keys
            replaced[name] = parse_definition(merged, Condition, place=place)
        catalogue = replace(self, conditions=replaced)
        catalogue.check()
        return catalogue

    def check(self) -> None:
        """Check what one file cannot know about another.

        Raises
        ------
        DefinitionError
            With all problems of all files.
        """
        problems = [
            *self._check_scales(),
            *self._check_sources("instruments", self.instruments),
            *self._check_sources("conditions", self.conditions),
            *self._check_sources("configs", {"features": self.features}),
            *self._check_sources("terminology", dict(self.terminology)),
            *self._check_sources("safety", {one.id: one for one in self.safety}),
            *self._check_safety(),
            *self._check_directions("instruments", self.instruments),
            *self._check_directions("configs", {"features": self.features}),
        ]
        if problems:
            raise DefinitionError("configs", problems)

    def _check_scales(self) -> Iterator[str]:
        for condition in self.conditions.values():
            for scale in condition.scales:
                yield from self._check_scale(f"conditions/{condition.id}", scale)

    def _check_scale(self, place: str, scale: Scale) -> Iterator[str]:
        if scale.instrument not in self.instruments:
            yield f"{place}: instrument {unknown(scale.instrument, self.instruments)}"
            return
        instrument = self.instruments[scale.instrument]
        items = [item.id for item in instrument.items]
        for judged in (scale.response, scale.remission, scale.relapse):
            item = judged.item or scale.item
            if item and item not in items:
                yield f"{place}: item of {instrument.id} {unknown(item, items)}"
                continue
            ends = instrument.range_of(item)
            for score in thresholds(judged.when):
                if not ends.low <= score <= ends.high:
                    yield (
                        f"{place}: score {score} lies outside the range of {instrument.id} "
                        f"({ends.low} to {ends.high})"
                    )

    def _check_safety(self) -> Iterator[str]:
        for flag in self.safety:
            for raised in flag.raised_by:
                if not isinstance(raised, ScoreAbove):
                    continue
                instrument = self.instruments.get(raised.instrument)
                if instrument is None:
                    nearest = unknown(raised.instrument, self.instruments)
                    yield f"safety/{flag.id}: instrument {nearest}"
                elif raised.item and raised.item not in instrument.item_ids:
                    nearest = unknown(raised.item, instrument.item_ids)
                    yield f"safety/{flag.id}: item of {instrument.id} {nearest}"

    def _check_sources(self, folder: str, definitions: dict[str, Any]) -> Iterator[str]:
        for name, definition in definitions.items():
            for sourced in _sourced_parts(definition):
                for key in sourced.sources:
                    if key not in self.sources:
                        yield f"{folder}/{name}: source {unknown(key, self.sources)}"
                if sourced.mark == "verified" and not sourced.sources:
                    yield f"{folder}/{name}: marked verified without a source"

    def _check_directions(self, folder: str, definitions: dict[str, Any]) -> Iterator[str]:
        for name, definition in definitions.items():
            for part in _sourced_parts(definition):
                for key in part.conditions if isinstance(part, Monotone) else ():
                    if key not in self.conditions:
                        yield f"{folder}/{name}: condition {unknown(key, self.conditions)}"


def load_catalogue(own: Path | None = None) -> Catalogue:
    """Read the shipped `configs/` and, on top of it, a user's own folder of the same layout.

    Raises
    ------
    DefinitionError
        With every problem of the first file that has any, or of the cross-check.
    """
    folders = [shipped_configs()] + ([own] if own is not None else [])
    instruments = _by_id(folders, "instruments", Instrument)
    conditions = _by_id(folders, "conditions", Condition)
    sources: dict[str, Source] = {}
    for folder in folders:
        if (folder / "sources.yaml").is_file():
            sources |= read_sources(folder)
    catalogue = Catalogue(
        instruments,
        conditions,
        _read_features(folders),
        sources,
        read_terminology(folders),
        read_safety(folders),
    )
    catalogue.check()
    return catalogue


def read_safety(folders: list[Path]) -> tuple[SafetyFlag, ...]:
    """Read the safety flags; those of a later folder are added, or replace one of the same id."""
    flags: dict[str, SafetyFlag] = {}
    for folder in folders:
        if (folder / "safety.yaml").is_file():
            found = read_definitions(folder / "safety.yaml", tuple[SafetyFlag, ...])
            flags |= {one.id: one for one in found}
    return tuple(flags.values())


def read_sources(folder: Path) -> dict[str, Source]:
    """Read the sources of a folder of definitions."""
    return read_definitions(folder / "sources.yaml", dict[str, Source])


def read_terminology(folders: list[Path]) -> Terminology:
    """Read what codes of other systems mean; later folders add to earlier ones."""
    terms: Terminology = {}
    for folder in folders:
        if (folder / "terminology.yaml").is_file():
            added = read_definitions(folder / "terminology.yaml", Terminology)
            terms |= {kind: terms.get(kind, ()) + found for kind, found in added.items()}
    return terms


def fingerprint(definition: BaseModel) -> str:
    """Give a short digest of a definition's content, stable over key order.

    >>> len(fingerprint(Source(citation="a")))
    16
    """
    content = json.dumps(definition.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def unknown(name: str, known: Iterable[str]) -> str:
    """Say that a name is unknown, and which known one is nearest."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"'{name}' is unknown" + (f"; did you mean '{near[0]}'?" if near else "")


def _by_id(folders: list[Path], name: str, kind: type[Identified]) -> dict[str, Identified]:
    found: dict[str, Identified] = {}
    for folder in folders:
        for path in sorted((folder / name).glob("*.yaml")):
            definition = read_definition(path, kind)
            if definition.id != path.stem:
                raise DefinitionError(str(path), [f"id: '{definition.id}' is not the file's name"])
            found[definition.id] = definition
    return found


def _read_features(folders: list[Path]) -> FeatureDefinitions:
    """Read `configs/features/`; a user's own folder adds history features."""
    shipped, *own = [folder / "features" for folder in folders]
    columns = read_definitions(shipped / "columns.yaml", tuple[ColumnFeature, ...])
    history = read_definitions(shipped / "history.yaml", tuple[HistoryFeature, ...])
    sessions = read_definitions(shipped / "sessions.yaml", tuple[DeliveredFeature, ...])
    for folder in own:
        if (folder / "history.yaml").is_file():
            added = read_definitions(folder / "history.yaml", tuple[HistoryFeature, ...])
            history = tuple(
                ({one.id: one for one in history} | {one.id: one for one in added}).values()
            )
    content = read_yaml(shipped / "assessments.yaml")
    return parse_definition(
        {**content, "columns": columns, "history": history, "sessions": sessions},
        FeatureDefinitions,
        place=str(shipped / "assessments.yaml"),
    )


def _sourced_parts(definition: Any) -> Iterator[Sourced]:
    """Walk a definition and give every part that states its source."""
    if isinstance(definition, Sourced):
        yield definition
    if isinstance(definition, Definition):
        for field in type(definition).model_fields:
            yield from _sourced_parts(getattr(definition, field))
    elif isinstance(definition, tuple):
        for part in definition:
            yield from _sourced_parts(part)
