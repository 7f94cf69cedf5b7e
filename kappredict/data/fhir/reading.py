"""The reading of one patient's resources: what is gathered, what is left aside, and how they refer.

Nothing is guessed and nothing is dropped: what cannot be used is an issue with its place and the
reason, and never with a value.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from kappredict.data.fhir.elements import Definitions, Resource, codes, number, part, parts, text
from kappredict.data.fhir.times import Clock, Span

_LISTS = ("assessments", "sessions", "history")
_KEYS = ("day", "start_day", "kind", "code", "instrument", "item")


@dataclass(frozen=True)
class Located:
    """A resource, where it stands, and the address that its Bundle gives it."""

    place: str
    content: Resource
    url: str = ""

    @property
    def kind(self) -> str:
        """The type of the resource."""
        return text(self.content, "resourceType")

    @property
    def reference(self) -> str:
        """What others refer to it by; empty where it has neither id nor address."""
        name = text(self.content, "id")
        return f"{self.kind}/{name}" if name else self.url


@dataclass(frozen=True)
class Issue:
    """Something that could not be used: where, why, and FHIR's issue-type code.

    `not-supported` is what is no part of this: a blood count, an unknown code. The other codes say
    that something was meant for this and is wrong.
    """

    place: str
    text: str
    code: str = "not-supported"


@dataclass(frozen=True)
class Used:
    """An entry of the record, with the resource that it was read from."""

    reference: str
    table: str
    entry: Mapping[str, Any]


@dataclass(frozen=True)
class Weight:
    """A body weight in kg, and when it was known."""

    at: Span
    kilograms: float


@dataclass
class Reading:
    """What was read of one patient so far; the readers of each kind of resource add to it."""

    patient: Located
    clock: Clock
    known: Definitions
    found: Mapping[str, Resource]
    weights: Sequence[Weight] = ()  # by when they were known
    facts: dict[str, Any] = field(default_factory=dict)
    planned: dict[str, Any] = field(default_factory=dict)
    entries: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {name: [] for name in _LISTS}
    )
    conditions: dict[str, str] = field(default_factory=dict)
    used: list[Used] = field(default_factory=list)
    seen: dict[tuple[Any, ...], dict[str, Any]] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)

    def leave(self, place: str, why: str, code: str = "not-supported") -> None:
        """Say that something is not used."""
        self.issues.append(Issue(place, why, code))

    def take(self, table: str, entry: dict[str, Any], source: Located) -> None:
        """Add an entry to the record; what is not known is left out of it.

        A fact that is there already, from a statement beside a request, stays one fact.
        """
        known = {name: value for name, value in entry.items() if value is not None}
        kept = self.seen.setdefault((table, *(known.get(name) for name in _KEYS)), known)
        if kept is known:
            self.entries[table].append(known)
        self.used.append(Used(source.reference, table, kept))

    def weight_before(self, when: Span) -> float | None:
        """Give the last body weight that was known before a dose."""
        place = bisect_right(self.weights, when.first, key=lambda one: one.at.last)
        return self.weights[place - 1].kilograms if place else None

    def dose_per_kg(self, dose: Resource, when: Span) -> float | None:
        """Give a dose in mg/kg: as such, or in mg by the last body weight before it."""
        amount, unit = number(dose, "value"), text(dose, "code") or text(dose, "unit")
        if amount is None or amount < 0 or unit not in {"mg/kg", "mg"}:
            return None
        if unit == "mg/kg":
            return amount
        weight = self.weight_before(when)
        return round(amount / weight, 4) if weight else None


def referred(holder: Resource, reference: str, found: Mapping[str, Resource]) -> Resource:
    """Give the resource that another refers to: one that it contains, or one sent with it."""
    if reference.startswith("#"):
        inside = {f"#{text(one, 'id')}": one for one in parts(holder, "contained")}
        return inside.get(reference, {})
    whole = reference.partition("/_history")[0]
    return found.get(whole) or found.get("/".join(whole.split("/")[-2:]), {})


def why_not(one: Located, patient: Located) -> str:
    """Say why a resource is not read, whatever its kind; empty where it is."""
    if text(one.content, "status") in _VOID:
        return "its status says that it does not hold"
    if codes(part(one.content, "verificationStatus")) & _NOT_CONFIRMED:
        return "its verification status says that it is not confirmed"
    if one.kind in _ABOUT_NOBODY or _is_about(one.content, patient):
        return ""
    return "it does not say that it is about this patient"


def _is_about(one: Resource, patient: Located) -> bool:
    who = part(one, "subject") or part(one, "patient")
    named = text(who, "reference").partition("/_history")[0]
    if named:
        names = {patient.url, patient.reference} - {""}
        return named in names or named.endswith(f"/{patient.reference}")
    own = {_identity(each) for each in parts(patient.content, "identifier")}
    return _identity(part(who, "identifier")) in own - {("", "")}


_VOID = {"entered-in-error", "not-done", "cancelled", "unknown", "preliminary", "registered"}
_VOID |= {"not-taken", "intended", "preparation"}
_NOT_CONFIRMED = {"entered-in-error", "refuted", "differential", "provisional", "unconfirmed"}
_ABOUT_NOBODY = {"Patient", "Medication"}


def _identity(identifier: Mapping[str, Any]) -> tuple[str, str]:
    return text(identifier, "system"), text(identifier, "value")


def date_of(day: float, clock: Clock) -> date:
    """Give the date of a day of a course, where the first dose was given."""
    return (clock.index + timedelta(days=day)).date()
