"""A FHIR R4 Bundle about one patient → a patient record, and what of it could not be used.

Nothing is guessed: a code that the catalogue does not know, a score without a date or outside its
scale, and a resource of another patient are each named in an issue with the reason. Days count from
the first dose that was given, else from the Bundle's timestamp, else from now.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from kappredict.domain.terminology import ATC, ICD10, LOINC, SNOMED
from kappredict.serving.fhir.values import (
    Definitions,
    Resource,
    answered,
    coded,
    codes_of,
    items_of,
    meaning_of,
    moment,
    named_by,
    number_of,
    one_a_day,
    score_named,
    start_of,
)
from kappredict.serving.problems import invalid

Times = tuple[datetime | None, datetime | None]
_YEAR = 365.25
_UNUSED_STATUS = {"entered-in-error", "not-done", "cancelled", "refuted", "preliminary"}
_SCORE_UNITS = {"", "1", "{score}", "{points}", "score", "points"}
_SEXES = {"female", "male", "other", "unknown"}
_DOSE = "ketamine"


@dataclass(frozen=True)
class Issue:
    """Something that could not be used: where, why, and FHIR's issue-type code."""

    place: str
    text: str
    code: str = "not-supported"


@dataclass
class Read:
    """What was read: a record, the references it rests on, and what was left aside."""

    record: dict[str, Any]
    patient: str = ""
    index: datetime = field(default_factory=lambda: datetime.now(UTC))
    basis: list[str] = field(default_factory=list)
    conditions: dict[str, str] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)


def read_bundle(content: Any, known: Definitions, now: datetime | None = None) -> Read:
    """Read a Bundle about one patient.

    Raises
    ------
    Problem
        422, if it is no Bundle, or not about exactly one patient.
    """
    resources = list(_resources(content))
    patients = [(place, one) for place, one in resources if one["resourceType"] == "Patient"]
    if len(patients) != 1:
        raise invalid([("/entry", f"holds {len(patients)} Patient resources; one is needed")])
    patient = patients[0][1]
    read = Read({"patient": {}, "course": {}, "assessments": [], "sessions": [], "history": []})
    read.patient = str(patient.get("id") or "")
    read.index = _index(resources, content, now or datetime.now(UTC))
    for place, one in resources:
        reason = _unusable(one, read.patient)
        if reason:
            read.issues.append(Issue(place, reason, "business-rule"))
            continue
        reader = _READERS.get(one["resourceType"])
        if reader is None:
            kind = str(one["resourceType"])[:40]
            read.issues.append(Issue(place, f"resources of type {kind} are not used"))
            continue
        used = reader(one, place, read, known)
        if used and one.get("id"):
            read.basis.append(f"{one['resourceType']}/{one['id']}")
    read.record["course"] = {"condition": list(read.conditions), "index_day": 0.0}
    read.record["patient"] |= {"patient_id": read.patient} if read.patient else {}
    read.record["sessions"] = one_a_day(read.record["sessions"], ("day", "kind"))
    read.record["assessments"] = one_a_day(
        read.record["assessments"], ("day", "instrument", "item")
    )
    return read


def _resources(content: Any) -> Iterator[tuple[str, Resource]]:
    if not isinstance(content, Mapping) or content.get("resourceType") != "Bundle":
        raise invalid([("", "must be a FHIR Bundle (resourceType Bundle)")])
    entries = content.get("entry", [])
    if not isinstance(entries, list):
        raise invalid([("/entry", "must be a list")])
    for number, entry in enumerate(entries):
        one = entry.get("resource") if isinstance(entry, Mapping) else None
        if not isinstance(one, Mapping) or not isinstance(one.get("resourceType"), str):
            raise invalid([(f"/entry/{number}/resource", "must be a resource")])
        yield f"Bundle.entry[{number}].resource", one


def _index(
    resources: list[tuple[str, Resource]], content: Mapping[str, Any], now: datetime
) -> datetime:
    doses = [
        when
        for _, one in resources
        if one["resourceType"] == "MedicationAdministration"
        and one.get("status") == "completed"
        and meaning_of("medications", one.get("medicationCodeableConcept")) == _DOSE
        and (when := start_of(one, "effective")) is not None
    ]
    return min(doses, default=moment(content.get("timestamp")) or now)


def _unusable(one: Resource, patient: str) -> str:
    if one.get("status") in _UNUSED_STATUS:
        return f"its status is {one['status']}"
    if coded(one.get("verificationStatus")) & {"entered-in-error", "refuted"}:
        return "its verification status says that it does not hold"
    for name in ("subject", "patient"):
        reference = one.get(name)
        named = reference.get("reference", "") if isinstance(reference, Mapping) else ""
        if named and patient and str(named).rsplit("/", 1)[-1] != patient:
            return "it is about another patient"
    return ""


def _patient(one: Resource, place: str, read: Read, _: Definitions) -> bool:
    if one.get("gender") in _SEXES:
        read.record["patient"]["sex"] = one["gender"]
    born = moment(one.get("birthDate"))
    if born is None:
        read.issues.append(Issue(place, "no birth date: the age is not known", "incomplete"))
        return True
    age = (read.index - born) / timedelta(days=_YEAR)
    if not 0 <= age <= 120:
        read.issues.append(Issue(place, "the birth date gives no possible age", "value"))
        return True
    read.record["patient"]["age"] = float(int(age))
    return True


def _condition(one: Resource, place: str, read: Read, known: Definitions) -> bool:
    """Take a diagnosis; one that models are for is treated, unless it is over."""
    icd = codes_of(one.get("code"), *ICD10)
    snomed = codes_of(one.get("code"), SNOMED)
    treated = [
        condition
        for condition in known.conditions.values()
        if snomed & {condition.codes.snomed}
        or any(code.startswith(prefix) for code in icd for prefix in condition.codes.icd10)
    ]
    # Where only SNOMED is given, the first ICD-10 category of the condition says the same.
    codes = icd or {condition.codes.icd10[0] for condition in treated}
    if not codes:
        read.issues.append(Issue(place, "no ICD-10 code, and no SNOMED code that is known here"))
        return False
    for condition in treated if not coded(one.get("clinicalStatus")) & _OVER else ():
        read.conditions.setdefault(condition.id, f"Condition/{one['id']}" if one.get("id") else "")
    dates = _days(one, read, "onset", "abatement", "recordedDate")
    for code in sorted(codes):
        read.record["history"].append({"kind": "diagnosis", "code": code, **dates})
    return True


_OVER = {"inactive", "resolved", "remission"}


def _medication(one: Resource, place: str, read: Read, _: Definitions) -> bool:
    concept = one.get("medicationCodeableConcept")
    meaning = meaning_of("medications", concept)
    codes = {meaning} if meaning else codes_of(concept, ATC)
    codes -= {_DOSE}
    if not codes:
        read.issues.append(Issue(place, "no ATC code, and no RxNorm code that is known here"))
        return False
    dates = _days(one, read, "effective", "", "dateAsserted")
    for code in sorted(codes):
        read.record["history"].append({"kind": "medication", "code": code, **dates})
    return True


def _administration(one: Resource, place: str, read: Read, known: Definitions) -> bool:
    if meaning_of("medications", one.get("medicationCodeableConcept")) != _DOSE:
        return _medication(one, place, read, known)
    start = start_of(one, "effective")
    if start is None:
        read.issues.append(Issue(place, "a dose without a date", "required"))
        return False
    session: dict[str, Any] = {"day": _day(start, read), "kind": "dosing"}
    dosage = one.get("dosage") or {}
    route = meaning_of("routes", dosage.get("route"))
    if route:
        session["route"] = route
    elif dosage.get("route"):
        read.issues.append(Issue(f"{place}.dosage.route", "this route is not known here"))
    dose = dosage.get("dose") or {}
    if dose.get("unit") == "mg/kg" and number_of(dose.get("value")) is not None:
        session["dose_mg_per_kg"] = dose["value"]
    elif dose:
        text = "a dose in mg needs the weight; only mg/kg is used"
        read.issues.append(Issue(f"{place}.dosage.dose", text))
    read.record["sessions"].append(session)
    return True


def _procedure(one: Resource, place: str, read: Read, _: Definitions) -> bool:
    codes = codes_of(one.get("code"), SNOMED)
    if not codes:
        read.issues.append(Issue(place, "no SNOMED code"))
        return False
    dates = _days(one, read, "performed", "", "")
    for code in sorted(codes):
        read.record["history"].append({"kind": "procedure", "code": code, **dates})
    return True


def _observation(one: Resource, place: str, read: Read, known: Definitions) -> bool:
    named = score_named(one.get("code"), known)
    if named is None:
        read.issues.append(Issue(place, "its code is of no instrument that is known here"))
        return False
    quantity = one.get("valueQuantity") or {}
    value = number_of(quantity.get("value", one.get("valueInteger")))
    if value is None:
        read.issues.append(Issue(place, "it has no number as its value", "required"))
        return False
    if str(quantity.get("code") or quantity.get("unit") or "") not in _SCORE_UNITS:
        read.issues.append(Issue(f"{place}.valueQuantity", "a score has no such unit", "value"))
        return False
    times = (start_of(one, "effective"), moment(one.get("issued")))
    return _scored(named, value, times, place, read, known)


def _questionnaire(one: Resource, place: str, read: Read, known: Definitions) -> bool:
    """Take totals and items, each by number, else ordinalValue, else LOINC's answer codes."""
    if one.get("status") not in {"completed", "amended"}:
        read.issues.append(Issue(place, "it is not completed", "incomplete"))
        return False
    when = moment(one.get("authored"))
    found: dict[tuple[str, str], float] = {}
    for number, item in enumerate(items_of(one)):
        named = named_by(LOINC, str(item.get("linkId", "")).lstrip("/"), known)
        answers = item.get("answer") or [{}]
        value = answered(answers[0])
        if named is None:
            continue
        if value is None:
            where = f"{place}.item[{number}]"
            read.issues.append(Issue(where, "the answer cannot be scored", "value"))
            continue
        found[named] = value
    if not found:
        read.issues.append(Issue(place, "no item of it is of an instrument that is known here"))
        return False
    used = [
        _scored(named, value, (when, None), place, read, known) for named, value in found.items()
    ]
    return any(used)


def _scored(
    named: tuple[str, str], value: float, times: Times, place: str, read: Read, known: Definitions
) -> bool:
    """Take one score, if it has a date and lies on its scale."""
    (instrument, item), (when, issued) = named, times
    ends = known.instruments[instrument].range_of(item)
    if when is None:
        read.issues.append(Issue(place, "a score without a date", "required"))
        return False
    if not ends.low <= value <= ends.high:
        rule = f"the score lies outside {ends.low:g} to {ends.high:g}"
        read.issues.append(Issue(place, rule, "value"))
        return False
    entry: dict[str, Any] = {"day": _day(when, read), "instrument": instrument, "value": value}
    if item:
        entry["item"] = item
    if issued is not None and issued > when:
        entry["recorded_day"] = _day(issued, read)
    read.record["assessments"].append(entry)
    return True


_READERS: dict[str, Callable[[Resource, str, Read, Definitions], bool]] = {
    "Patient": _patient,
    "Condition": _condition,
    "MedicationStatement": _medication,
    "MedicationRequest": _medication,
    "MedicationAdministration": _administration,
    "Procedure": _procedure,
    "Observation": _observation,
    "QuestionnaireResponse": _questionnaire,
}


def _days(one: Resource, read: Read, start: str, end: str, recorded: str) -> dict[str, float]:
    """Give a fact's first and last day, and the day it was entered where that is later."""
    period = one.get(f"{start}Period")
    last = period.get("end") if isinstance(period, Mapping) else None
    begins = start_of(one, start)
    ends = start_of(one, end) if end else moment(last)
    entered = moment(one.get(recorded))
    found = {}
    if begins is not None:
        found["start_day"] = _day(begins, read)
    if ends is not None and (begins is None or ends >= begins):
        found["end_day"] = _day(ends, read)
    if entered is not None and begins is not None and entered > begins:
        found["recorded_day"] = _day(entered, read)
    elif begins is None and entered is not None:
        found["start_day"] = _day(entered, read)
    return found


def _day(when: datetime, read: Read) -> float:
    return round((when - read.index) / timedelta(days=1), 4)
