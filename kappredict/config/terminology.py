"""Codes of other systems that mean something here (`configs/terminology.yaml`)."""

from collections.abc import Mapping
from functools import cache
from typing import Literal

from kappredict.config.catalogue import shipped_configs
from kappredict.config.reader import read_definitions
from kappredict.domain.base import Sourced

Kind = Literal["medications", "routes", "measurements", "answers"]


class Term(Sourced):
    """A code of another system, and what it means here."""

    system: str
    code: str
    label: str
    means: str


@cache
def read_terms() -> Mapping[Kind, tuple[Term, ...]]:
    """Read the terminology that ships, by kind."""
    place = shipped_configs() / "terminology.yaml"
    return read_definitions(place, dict[Kind, tuple[Term, ...]])


@cache
def meanings(kind: Kind) -> Mapping[tuple[str, str], str]:
    """Give what each code of a kind means, by its system and itself."""
    return {(one.system, one.code): one.means for one in read_terms()[kind]}
