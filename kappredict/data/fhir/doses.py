"""Reads doses: those that were given, those that are planned, and the weights they are given by."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from kappredict.data.fhir.elements import Definitions, Resource, meaning, number, part, parts, text
from kappredict.data.fhir.facts import DOSE, medicine, read_medication
from kappredict.data.fhir.reading import Located, Reading, Used, Weight, date_of
from kappredict.data.fhir.times import Clock, Span, began, ended

_KILOGRAMS = {"kg": 1.0, "g": 0.001, "[lb_av]": 0.45359237}  # UCUM; the pound is exact (1959)
_PLANS = {"active", "draft", "on-hold"}
_ANY = datetime(2000, 1, 1, tzinfo=UTC)  # whose time zone alone is used: that of a date without one


def weights_of(resources: list[Located], clock: Clock, known: Definitions) -> list[Weight]:
    """Find the body weights that have a date and a unit that is known."""
    found = []
    for one in resources:
        if one.kind != "Observation" or not meaning("measurements", one.content.get("code"), known):
            continue
        quantity, at = part(one.content, "valueQuantity"), began(one.content, "effective", clock)
        unit = _KILOGRAMS.get(text(quantity, "code") or text(quantity, "unit"))
        amount = number(quantity, "value")
        if at and unit and amount and amount > 0:
            found.append(Weight(at, amount * unit))
    return sorted(found, key=lambda one: one.at.last)


def read_administration(one: Located, reading: Reading) -> None:
    """Take a dose as a session that was held; another medicine as a fact."""
    content, clock = one.content, reading.clock
    if DOSE not in medicine(content, reading.found, reading.known):
        read_medication(one, reading)
        return
    when = began(content, "effective", clock)
    if text(content, "status") != "completed":
        reading.leave(one.place, "a dose that was not completed", "incomplete")
    elif when is None:
        reading.leave(one.place, "a dose without a date", "required")
    elif clock.lies_ahead(when):
        reading.leave(one.place, "it is dated after it was sent", "business-rule")
    else:
        _take_session(one, when, reading)


def _take_session(one: Located, when: Span, reading: Reading) -> None:
    """Take a dose; two on one date are one session, in which both were given."""
    day, dosage = reading.clock.day(when.first), part(one.content, "dosage")
    dose = _dose_of(dosage, "dose", when, f"{one.place}.dosage", reading)
    earlier = reading.seen.get(("session", date_of(day, reading.clock)))
    if earlier is not None:
        before = earlier.pop("dose_mg_per_kg", None)
        if before is not None and dose is not None:
            earlier["dose_mg_per_kg"] = round(before + dose, 4)
        reading.used.append(Used(one.reference, "sessions", earlier))
        return
    entry = {
        "day": day,
        "kind": "dosing",
        "route": _route_of(dosage, f"{one.place}.dosage", reading),
        "dose_mg_per_kg": dose,
        "minutes": _minutes(one.content, when, reading.clock),
    }
    reading.take("sessions", entry, one)
    reading.seen["session", date_of(day, reading.clock)] = reading.entries["sessions"][-1]


def read_request(one: Located, reading: Reading) -> None:
    """Take the plan of a course: route, dose and number of doses; another medicine as a fact."""
    content = one.content
    if content.get("doNotPerform") is True:
        reading.leave(one.place, "an order not to do something", "business-rule")
    elif DOSE not in medicine(content, reading.found, reading.known):
        read_medication(one, reading)
    elif text(content, "status") not in _PLANS:
        reading.leave(one.place, "an order that is not in force", "business-rule")
    elif reading.planned:
        reading.leave(one.place, "a second order of doses: the first is the plan", "conflict")
    else:
        _take_plan(one, reading)


def _take_plan(one: Located, reading: Reading) -> None:
    dosages = parts(one.content, "dosageInstruction")
    dosage = dosages[0] if len(dosages) == 1 else {}
    place = f"{one.place}.dosageInstruction[0]"
    if len(dosages) > 1:
        reading.leave(one.place, "more than one dosage: the plan cannot be told", "value")
    amounts = parts(dosage, "doseAndRate")
    asked = reading.clock.asked or reading.clock.index
    dose = _dose_of(
        amounts[0] if len(amounts) == 1 else {}, "doseQuantity", Span(asked, asked), place, reading
    )
    count = number(part(part(dosage, "timing"), "repeat"), "count")
    planned = {
        "planned_route": _route_of(dosage, place, reading),
        "planned_dose_mg_per_kg": dose,
        "planned_doses": count if count is not None and count >= 0 else None,
    }
    reading.planned |= {name: value for name, value in planned.items() if value is not None}
    reading.used.append(Used(one.reference, "courses", reading.planned))


def _route_of(dosage: Resource, place: str, reading: Reading) -> str | None:
    route = meaning("routes", dosage.get("route"), reading.known)
    if not route and dosage.get("route"):
        reading.leave(f"{place}.route", "this route is not known here")
    return route or None


def _dose_of(holder: Resource, name: str, when: Span, place: str, reading: Reading) -> float | None:
    dose = reading.dose_per_kg(part(holder, name), when)
    if dose is None and holder.get(name):
        why = "a dose in mg/kg, or in mg with a body weight before it, is what can be used"
        reading.leave(f"{place}.{name}", why, "incomplete")
    return dose


def _minutes(content: Resource, when: Span, clock: Clock) -> float | None:
    """Give how long an infusion took, where its start and its end are instants."""
    over = ended(content, "effective", clock)
    if over is None or when.first != when.last or over.first != over.last:
        return None
    minutes = (over.first - when.first) / timedelta(minutes=1)
    return round(minutes, 2) if minutes >= 0 else None


def clock_of(
    resources: list[Located],
    found: Mapping[str, Resource],
    known: Definitions,
    asked: datetime | None,
) -> Clock:
    """Find where days count from: the first dose that was given, else the moment of the question.

    A dose dated after the question is no beginning. Without dose or question the clock means
    nothing (`dosed` is false and `asked` None).
    """
    before = Clock(asked or _ANY, asked, dosed=False)
    doses = [
        when.first
        for one in resources
        if one.kind == "MedicationAdministration"
        and text(one.content, "status") == "completed"
        and DOSE in medicine(one.content, found, known)
        and (when := began(one.content, "effective", before)) is not None
        and not before.lies_ahead(when)
    ]
    return Clock(min(doses), asked, dosed=True) if doses else before
