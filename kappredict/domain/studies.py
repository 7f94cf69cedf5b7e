"""What a study says of itself (`study.yaml`): its origin, its further columns, its own windows."""

from typing import Any, Literal

from pydantic import Field

from kappredict.domain.base import Definition
from kappredict.domain.features import Kind


class ExtraColumn(Definition):
    """A further column of `patients` or `courses`; it must be known before the index day."""

    name: str
    label: str
    kind: Kind
    unit: str = ""
    group: str


class StudyDefinition(Definition):
    """The study's name, origin and licence, its further columns, and how it differs in definitions.

    `conditions` maps a condition to the keys of its definition that this study replaces: a trial
    that judged response at week 6 says so here, and the difference travels into the bundle.
    """

    id: str
    label: str
    synthetic: bool
    licence: str
    citation: str = ""
    note: str = ""
    columns: dict[Literal["patients", "courses"], tuple[ExtraColumn, ...]] = Field(
        default_factory=dict
    )
    conditions: dict[str, dict[str, Any]] = Field(default_factory=dict)
