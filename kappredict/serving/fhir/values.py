"""What FHIR elements say: codes, numbers, dates and scores, each or nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kappredict.domain.conditions import Condition
from kappredict.domain.instruments import Instrument
from kappredict.domain.terminology import LOINC, OWN_INSTRUMENT
from kappredict.serving.fhir.names import MEANINGS, ORDINAL, OWN_ITEM

Resource = Mapping[str, Any]


@dataclass(frozen=True)
class Definitions:
    """What codes are looked up in: the conditions and instruments of the models."""

    conditions: Mapping[str, Condition]
    instruments: Mapping[str, Instrument]


def score_named(concept: Any, known: Definitions) -> tuple[str, str] | None:
    """Find the instrument (and item) that an Observation's code is of."""
    for system in (LOINC, OWN_INSTRUMENT, OWN_ITEM):
        for code in sorted(codes_of(concept, system)):
            named = named_by(system, code, known)
            if named:
                return named
    return None


def named_by(system: str, code: str, known: Definitions) -> tuple[str, str] | None:
    """Find the instrument (and item) that a code is of: LOINC's, or our own `id` or `id.item`."""
    for instrument in known.instruments.values():
        if system != LOINC:
            name, _, item = code.partition(".")
            if name == instrument.id and (not item or item in instrument.item_ids):
                return instrument.id, item
            continue
        if code == instrument.loinc.total:
            return instrument.id, ""
        for one in instrument.items:
            if one.loinc == code:
                return instrument.id, one.id
    return None


def items_of(one: Resource) -> Iterator[Mapping[str, Any]]:
    """Give all items of a QuestionnaireResponse, nested ones too."""
    for item in one.get("item") or []:
        if isinstance(item, Mapping):
            yield item
            yield from items_of(item)


def answered(answer: Mapping[str, Any]) -> float | None:
    """Score an answer: a number, an ordinalValue, or one of LOINC's answer codes."""
    for name in ("valueDecimal", "valueInteger"):
        if number_of(answer.get(name)) is not None:
            return float(answer[name])
    coding = answer.get("valueCoding") or {}
    for one in coding.get("extension") or []:
        if one.get("url") == ORDINAL and number_of(one.get("valueDecimal")) is not None:
            return float(one["valueDecimal"])
    meaning = MEANINGS["answers"].get((str(coding.get("system")), str(coding.get("code"))))
    return None if meaning is None else float(meaning)


def meaning_of(kind: str, concept: Any) -> str:
    """Give what a concept means by the terminology; empty where it is not in it."""
    for one in codings_of(concept):
        meaning = MEANINGS[kind].get((str(one.get("system")), str(one.get("code"))))
        if meaning:
            return meaning
    return ""


def codings_of(concept: Any) -> list[Mapping[str, Any]]:
    """Give the codings of a concept; none where it has none."""
    codings = concept.get("coding") if isinstance(concept, Mapping) else None
    return [one for one in codings or [] if isinstance(one, Mapping)]


def codes_of(concept: Any, *systems: str) -> set[str]:
    """Give a concept's codes of some systems."""
    return {
        str(one["code"])
        for one in codings_of(concept)
        if one.get("system") in systems and "code" in one
    }


def coded(concept: Any) -> set[str]:
    """Give a concept's codes of any system."""
    return {str(one.get("code")) for one in codings_of(concept)}


def start_of(one: Resource, name: str) -> datetime | None:
    """Give when something began: a date, the start of a period, or an instant."""
    period = one.get(f"{name}Period")
    start = period.get("start") if isinstance(period, Mapping) else None
    return moment(one.get(f"{name}DateTime") or start or one.get(f"{name}Instant"))


def moment(text: Any) -> datetime | None:
    """Read a FHIR date or time; a year or month alone is its first day."""
    if not isinstance(text, str):
        return None
    padded = text + "-01-01"[3 * (len(text) // 3 - 1) :] if len(text) in {4, 7} else text
    try:
        found = datetime.fromisoformat(padded)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def number_of(value: Any) -> float | None:
    """Give a number that is one."""
    ok = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9
    return float(value) if ok else None


def one_a_day(entries: list[dict[str, Any]], key: tuple[str, ...]) -> list[dict[str, Any]]:
    """Keep the first of entries with one key: an Observation beside its QuestionnaireResponse."""
    kept: dict[tuple[Any, ...], dict[str, Any]] = {}
    for entry in entries:
        kept.setdefault(tuple(entry.get(name, "") for name in key), entry)
    return list(kept.values())
