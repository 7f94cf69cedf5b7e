"""Principals: who asks, and what each role may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Role = Literal["clinician", "researcher", "admin"]
Act = Literal["predict", "inspect", "audit"]
ROLES: tuple[Role, ...] = ("clinician", "researcher", "admin")
# predict: about a patient; inspect: models, their cards and definitions; audit: read the trail.
MAY: Mapping[Role, frozenset[Act]] = MappingProxyType(
    {
        "clinician": frozenset({"predict", "inspect"}),
        "researcher": frozenset({"inspect"}),
        "admin": frozenset({"inspect", "audit"}),
    }
)


@dataclass(frozen=True)
class Principal:
    """Who asks: a name for the audit trail, and a role."""

    name: str
    role: Role

    def may(self, act: Act) -> bool:
        """Tell whether the role allows an act."""
        return act in MAY[self.role]
