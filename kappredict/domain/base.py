"""The base of all that is read from `configs/`: frozen, closed to unknown keys, with its source."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Mark = Literal["verified", "memory", "assumption"]


class Definition(BaseModel):
    """A clinical fact or a choice, as read from YAML; immutable, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sourced(Definition):
    """A definition that says where it comes from and how far that was checked.

    `mark` is `verified` (read in an abstract, table or page), `memory` (recalled, not seen) or
    `assumption` (set by this project); `sources` are keys of `configs/sources.yaml`.
    """

    mark: Mark
    sources: tuple[str, ...] = ()
    note: str = ""


class Source(Definition):
    """One entry of `configs/sources.yaml`."""

    citation: str
    doi: str | None = None
    pmid: str | None = None
    address: str | None = None
    note: str | None = None
    ids_from_memory: str | None = None
