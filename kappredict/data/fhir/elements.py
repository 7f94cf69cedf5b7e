"""What FHIR elements say: parts, codes and numbers, each or nothing, whatever was sent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kappredict.config.terminology import Kind, meanings
from kappredict.domain.conditions import Condition
from kappredict.domain.instruments import Instrument

Resource = Mapping[str, Any]

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10 = ("http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10")
ATC = "http://www.whocc.no/atc"
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
OWN = "https://kappredict.example.org/fhir"
OWN_INSTRUMENT = f"{OWN}/CodeSystem/instrument"
OWN_ITEM = f"{OWN}/CodeSystem/instrument-item"


@dataclass(frozen=True)
class Definitions:
    """What codes are looked up in: conditions and instruments."""

    conditions: Mapping[str, Condition]
    instruments: Mapping[str, Instrument]


@dataclass(frozen=True)
class Score:
    """What a code is of: an instrument's total, or one of its items."""

    instrument: str
    item: str = ""


def part(one: Any, name: str) -> Mapping[str, Any]:
    """Give an element that has parts of its own; an empty one where there is none."""
    found = one.get(name) if isinstance(one, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def parts(one: Any, name: str) -> list[Mapping[str, Any]]:
    """Give an element that repeats; none where it is not there."""
    found = one.get(name) if isinstance(one, Mapping) else None
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def text(one: Any, name: str) -> str:
    """Give an element that is text; empty where it is not."""
    found = one.get(name) if isinstance(one, Mapping) else None
    return found if isinstance(found, str) else ""


def number(one: Any, name: str) -> float | None:
    """Give an element that is a number, and one that a model can take."""
    found = one.get(name) if isinstance(one, Mapping) else None
    usable = isinstance(found, int | float) and not isinstance(found, bool) and abs(found) <= 1e6
    return float(found) if usable and found is not None else None


def codings(concept: Any, *systems: str) -> list[tuple[str, str]]:
    """Give a concept's codes with their systems; those of some systems where they are named.

    >>> codings({"coding": [{"system": "http://loinc.org", "code": "44261-6"}]}, LOINC)
    [('http://loinc.org', '44261-6')]
    """
    found = [(text(one, "system"), text(one, "code")) for one in parts(concept, "coding")]
    return [one for one in found if one[1] and (not systems or one[0] in systems)]


def codes(concept: Any, *systems: str) -> set[str]:
    """Give a concept's codes without their systems."""
    return {code for _, code in codings(concept, *systems)}


def meaning(kind: Kind, concept: Any) -> str:
    """Give what a concept means by the terminology; empty where it is not in it."""
    known = meanings(kind)
    return next((known[one] for one in codings(concept) if one in known), "")


def score_coded(concept: Any, known: Definitions) -> Score | None:
    """Find the instrument (and item) that a concept is of: by LOINC, else by our own codes."""
    for system in (LOINC, OWN_INSTRUMENT, OWN_ITEM):
        for code in sorted(codes(concept, system)):
            found = score_named(system, code, known)
            if found:
                return found
    return None


def score_named(system: str, code: str, known: Definitions) -> Score | None:
    """Find what a code is of: LOINC's, or our own `instrument` or `instrument.item`."""
    if system != LOINC:
        name, _, item = code.partition(".")
        found = known.instruments.get(name)
        fits = found is not None and (not item or item in found.item_ids)
        return Score(name, item) if fits else None
    for instrument in known.instruments.values():
        if code == instrument.loinc.total:
            return Score(instrument.id)
        for one in instrument.items:
            if one.loinc == code:
                return Score(instrument.id, one.id)
    return None


def is_panel(concept: Any, known: Definitions) -> bool:
    """Tell whether a concept is an instrument's panel: the whole of its items, no score."""
    found = codes(concept, LOINC)
    return any(one.loinc.panel in found for one in known.instruments.values())


def value_of(one: Any) -> float | None:
    """Give the number in a value[x]: a quantity, a number, or an answer that has a score."""
    quantity = number(part(one, "valueQuantity"), "value")
    plain = (number(one, name) for name in ("valueDecimal", "valueInteger"))
    answers: Sequence[Any] = [
        part(one, "valueCoding"),
        *parts(part(one, "valueCodeableConcept"), "coding"),
    ]
    found = (quantity, *plain, *(_scored(each) for each in answers))
    return next((each for each in found if each is not None), None)


def _scored(coding: Mapping[str, Any]) -> float | None:
    """Score an answer's code: by its ordinalValue, else as one of LOINC's answers."""
    for one in parts(coding, "extension"):
        if one.get("url") == ORDINAL:
            return number(one, "valueDecimal")
    known = meanings("answers").get((text(coding, "system"), text(coding, "code")))
    return None if known is None else float(known)


def items_of(one: Any) -> Iterator[Mapping[str, Any]]:
    """Give all items of a QuestionnaireResponse, those below items and below answers too."""
    for item in parts(one, "item"):
        yield item
        yield from items_of(item)
        for answer in parts(item, "answer"):
            yield from items_of(answer)
