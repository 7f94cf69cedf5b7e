"""What FHIR elements say: parts, codes and numbers, each or nothing, whatever was sent."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kappredict.domain.conditions import Condition
from kappredict.domain.instruments import Instrument
from kappredict.domain.terminology import LOINC, OWN_INSTRUMENT, Terminology

Resource = Mapping[str, Any]

ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"


@dataclass(frozen=True)
class Score:
    """What a code is of: an instrument's total, or one of its items."""

    instrument: str
    item: str = ""


@dataclass(frozen=True)
class Definitions:
    """What codes are looked up in, each by its system and itself."""

    conditions: Mapping[str, Condition]
    instruments: Mapping[str, Instrument]
    scores: Mapping[tuple[str, str], Score]
    terms: Mapping[str, Mapping[tuple[str, str], str]]

    @classmethod
    def of(
        cls,
        conditions: Mapping[str, Condition],
        instruments: Mapping[str, Instrument],
        terminology: Terminology,
    ) -> "Definitions":
        """Put definitions together; where two instruments share an item, the first has its code."""
        scores: dict[tuple[str, str], Score] = {}
        for coding, score in score_codes(instruments.values()):
            scores.setdefault(coding, score)
        terms = {
            kind: {(one.system, one.code): one.means for one in each}
            for kind, each in terminology.items()
        }
        return cls(conditions, instruments, scores, terms)


def score_codes(instruments: Iterable[Instrument]) -> Iterator[tuple[tuple[str, str], Score]]:
    """Give every code of a score: LOINC's, and our own `instrument` and `instrument.item`."""
    for one in instruments:
        yield (OWN_INSTRUMENT, one.id), Score(one.id)
        if one.loinc.total:
            yield (LOINC, one.loinc.total), Score(one.id)
        for item in one.items:
            yield (OWN_INSTRUMENT, f"{one.id}.{item.id}"), Score(one.id, item.id)
            if item.loinc:
                yield (LOINC, item.loinc), Score(one.id, item.id)


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


def meaning(kind: str, concept: Any, known: Definitions) -> str:
    """Give what a concept means by a kind of terms; empty where it is none of them."""
    terms = known.terms[kind]
    return next((terms[one] for one in codings(concept) if one in terms), "")


def score_coded(concept: Any, known: Definitions) -> Score | None:
    """Find the instrument (and item) that a concept is of."""
    return next((known.scores[one] for one in codings(concept) if one in known.scores), None)


def is_panel(concept: Any, known: Definitions) -> bool:
    """Tell whether a concept is an instrument's panel: the whole of its items, no score."""
    found = codes(concept, LOINC)
    return any(one.loinc.panel in found for one in known.instruments.values())


def value_of(one: Any, known: Definitions) -> float | None:
    """Give the number in a value[x]: a quantity, a number, or an answer that has a score."""
    quantity = number(part(one, "valueQuantity"), "value")
    plain = (number(one, name) for name in ("valueDecimal", "valueInteger"))
    answers: Sequence[Any] = [
        part(one, "valueCoding"),
        *parts(part(one, "valueCodeableConcept"), "coding"),
    ]
    found = (quantity, *plain, *(_scored(each, known) for each in answers))
    return next((each for each in found if each is not None), None)


def _scored(coding: Mapping[str, Any], known: Definitions) -> float | None:
    """Score an answer's code: by its ordinalValue, else as one of LOINC's answers."""
    for one in parts(coding, "extension"):
        if one.get("url") == ORDINAL:
            return number(one, "valueDecimal")
    meant = known.terms["answers"].get((text(coding, "system"), text(coding, "code")))
    return None if meant is None else float(meant)


def items_of(one: Any) -> Iterator[Mapping[str, Any]]:
    """Give all items of a QuestionnaireResponse, those below items and below answers too."""
    for item in parts(one, "item"):
        yield item
        yield from items_of(item)
        for answer in parts(item, "answer"):
            yield from items_of(answer)
