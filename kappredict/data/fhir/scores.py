"""Reads scores: Observations, panels with components, and QuestionnaireResponses."""

from collections.abc import Iterator
from typing import Any

from kappredict.data.fhir.elements import (
    Resource,
    Score,
    is_panel,
    items_of,
    meaning,
    part,
    parts,
    score_coded,
    text,
    value_of,
)
from kappredict.data.fhir.reading import Located, Reading, date_of, referred
from kappredict.data.fhir.times import Span, began
from kappredict.domain.terminology import LOINC, OWN_INSTRUMENT

_SCORE_UNITS = {"", "1", "{score}", "{points}", "score", "points"}
_SYSTEMS = (LOINC, OWN_INSTRUMENT)
_PANEL_PARTS = ("component", "hasMember")


def read_observation(one: Located, reading: Reading) -> None:
    """Take a total, an item, or a panel's components, on the day that they describe."""
    content, code = one.content, one.content.get("code")
    named = score_coded(code, reading.known)
    if meaning("measurements", code, reading.known):
        return  # a weight: it was read before the doses that need it
    if named is None and not is_panel(code, reading.known):
        reading.leave(one.place, "its code is of no instrument that is known here")
        return
    _read_parts(one, reading)
    if named and (value_of(content, reading.known) is not None or not _has_parts(content)):
        _take_observed(named, content, one, reading, one.place)
    elif named is None and value_of(content, reading.known) is not None:
        why = "a value under the code of a panel: which score it is cannot be told"
        reading.leave(one.place, why, "value")
    elif not _has_parts(content):
        reading.leave(one.place, "a panel without components or members", "incomplete")


def _has_parts(content: Resource) -> bool:
    return any(parts(content, name) for name in _PANEL_PARTS)


def _read_parts(one: Located, reading: Reading) -> None:
    """Take a panel's components; its members are resources of their own, and read as such."""
    for number, inner in enumerate(parts(one.content, "component")):
        place = f"{one.place}.component[{number}]"
        named = score_coded(inner.get("code"), reading.known)
        if named:
            _take_observed(named, inner, one, reading, place)
        else:
            reading.leave(place, "its code is of no instrument that is known here")
    for number, member in enumerate(parts(one.content, "hasMember")):
        if not referred(one.content, text(member, "reference"), reading.found):
            place = f"{one.place}.hasMember[{number}]"
            reading.leave(place, "the member is not among what was sent", "incomplete")


def _take_observed(
    named: Score, inner: Resource, one: Located, reading: Reading, place: str
) -> None:
    value, quantity = value_of(inner, reading.known), part(inner, "valueQuantity")
    if value is None:
        absent = inner.get("dataAbsentReason") is not None
        why = "it says that its value is absent" if absent else "it has no value that is a score"
        reading.leave(place, why, "incomplete" if absent else "value")
    elif (text(quantity, "code") or text(quantity, "unit")) not in _SCORE_UNITS:
        reading.leave(f"{place}.valueQuantity", "a score has no such unit", "value")
    else:
        when = began(one.content, "effective", reading.clock)
        entered = reading.clock.span(one.content.get("issued"))
        _take(named, value, (when, entered), one, reading, place)


def read_questionnaire(one: Located, reading: Reading) -> None:
    """Take totals and items, each by number, else ordinalValue, else LOINC's answer codes."""
    if text(one.content, "status") not in {"completed", "amended"}:
        reading.leave(one.place, "it is not completed", "incomplete")
        return
    when = reading.clock.span(one.content.get("authored"))
    named = list(_named_items(one, reading))
    if not named:
        reading.leave(one.place, "no item of it is of an instrument that is known here")
    for score, item, place in named:
        answers = parts(item, "answer")
        value = value_of(answers[0], reading.known) if len(answers) == 1 else None
        if value is not None:
            _take(score, value, (when, None), one, reading, place)
        elif answers:
            reading.leave(place, "the answer cannot be scored", "value")


def _named_items(one: Located, reading: Reading) -> Iterator[tuple[Score, Resource, str]]:
    """Find the items that have a code: as `/44250-9`, `44250-9`, or below others' as LForms has."""
    scores = reading.known.scores
    for number, item in enumerate(items_of(one.content)):
        link = text(item, "linkId").rsplit("/", 1)[-1]
        named = next((scores[one, link] for one in _SYSTEMS if (one, link) in scores), None)
        if named:
            # A place in the flat order of items: what is nested has no simple path.
            yield named, item, f"{one.place}.descendants().item[{number}]"


def _take(
    named: Score,
    value: float,
    times: tuple[Span | None, Span | None],
    one: Located,
    reading: Reading,
    place: str,
) -> None:
    """Take a score that has a date, lies on its scale, and was not taken already."""
    when, entered = times
    ends = reading.known.instruments[named.instrument].range_of(named.item)
    if when is None:
        reading.leave(place, "a score without a date", "required")
    elif reading.clock.lies_ahead(when):
        reading.leave(place, "it is dated after it was sent", "business-rule")
    elif not ends.low <= value <= ends.high:
        rule = f"the score lies outside {ends.low:g} to {ends.high:g}"
        reading.leave(place, rule, "value")
    else:
        entry = {
            "day": reading.clock.day(when.first),
            "instrument": named.instrument,
            "item": named.item or None,
            "value": value,
            "recorded_day": reading.clock.recorded(when, entered),
        }
        _take_once(entry, one, reading, place)


def _take_once(entry: dict[str, Any], one: Located, reading: Reading, place: str) -> None:
    """Take a score unless it is there: an Observation beside the QuestionnaireResponse it is of."""
    what = (entry["instrument"], entry["item"])
    told = (*what, "told", date_of(entry["day"], reading.clock), entry["value"])
    moment = (*what, "at", entry["day"])
    if told in reading.seen:
        return
    if moment in reading.seen:
        reading.leave(place, "another score of the same moment differs; that is used", "conflict")
        return
    reading.seen |= {told: entry, moment: entry}
    reading.take("assessments", entry, one)
