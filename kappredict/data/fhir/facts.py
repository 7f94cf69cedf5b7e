"""Reads facts: who the patient is, diagnoses, medicines and procedures."""

from collections.abc import Mapping
from datetime import timedelta

from kappredict.data.fhir.elements import Definitions, Resource, codes, meaning, part, text
from kappredict.data.fhir.reading import Located, Reading, Used, referred
from kappredict.data.fhir.times import Span, age_at, began, ended
from kappredict.domain.conditions import Condition
from kappredict.domain.terminology import ATC, ICD10, SNOMED

DOSE = "ketamine"
_SEXES = {"female", "male", "other", "unknown"}
_BETTER = {"remission"}
_OVER = {"inactive", "resolved"} | _BETTER
_DEATH = "death"  # as the conditions' competing events call it


def read_patient(one: Located, reading: Reading) -> None:
    """Take sex, age and death."""
    content, clock = one.content, reading.clock
    reading.used.append(Used(one.reference, "patients", reading.facts))
    if text(content, "gender") in _SEXES:
        reading.facts["sex"] = content["gender"]
    died = clock.span(content.get("deceasedDateTime"))
    if died and not clock.lies_ahead(died):
        entry = {"kind": "event", "code": _DEATH, "start_day": clock.day(died.first)}
        entry["recorded_day"] = clock.recorded(died, None)
        reading.take("history", entry, one)
    born = clock.span(content.get("birthDate"))
    if born is None:
        reading.leave(one.place, "no birth date: the age is not known", "incomplete")
        return
    age = age_at(born, clock.index)
    if not 0 <= age <= 120:
        reading.leave(one.place, "the birth date gives no possible age", "value")
        return
    if born.last - born.first > timedelta(days=1):
        reading.leave(one.place, "the birth date is not a whole date: the age may be one off")
    reading.facts["age"] = age


def read_condition(one: Located, reading: Reading) -> None:
    """Take a diagnosis; one that models are for is treated, unless it is over."""
    content, concept = one.content, one.content.get("code")
    icd = {_dotted(code) for code in codes(concept, *ICD10)}
    treated = [
        condition
        for condition in reading.known.conditions.values()
        if _is_coded(condition, icd, codes(concept, SNOMED))
    ]
    # Where only SNOMED is given, the first ICD-10 category of the condition says the same.
    named = icd or {condition.codes.icd10[0] for condition in treated}
    if not named:
        reading.leave(one.place, "no ICD-10 code, and no SNOMED code that is known here")
        return
    abated = began(content, "abatement", reading.clock) or ended(content, "onset", reading.clock)
    when = began(content, "onset", reading.clock)
    entered = reading.clock.span(content.get("recordedDate"))
    if not _is_over(one, when or entered, abated, reading):
        for condition in treated:
            reading.conditions.setdefault(condition.id, one.reference)
    _take("diagnosis", named, (when, abated, entered), one, reading)


def _is_over(one: Located, began_at: Span | None, abated: Span | None, reading: Reading) -> bool:
    """Tell whether a condition was over, or not there yet, when its treatment began.

    Before a dose that is now. After it, a remission is an outcome: only what had ended by the first
    dose, or began after it, was not treated.
    """
    status, clock = codes(part(one.content, "clinicalStatus")), reading.clock
    if not clock.dosed:
        return abated is not None or bool(status & _OVER)
    if abated is not None:
        return abated.first < clock.index
    if status & (_OVER - _BETTER):
        reading.leave(one.place, "it is over, and nothing says since when", "incomplete")
        return True
    return began_at is not None and began_at.first > clock.index


def _is_coded(condition: Condition, icd: set[str], snomed: set[str]) -> bool:
    return condition.codes.snomed in snomed or any(
        code.startswith(category) for code in icd for category in condition.codes.icd10
    )


def _dotted(code: str) -> str:
    """Write an ICD-10 code with its point, which some systems leave out."""
    return code if "." in code or len(code) <= 3 else f"{code[:3]}.{code[3:]}"


def medicine(one: Resource, found: Mapping[str, Resource], known: Definitions) -> set[str]:
    """Give what is taken, by ATC code or the terminology's meaning.

    The concept is in the resource itself, or in the Medication that it refers to.
    """
    concept = part(one, "medicationCodeableConcept")
    if not concept:
        reference = text(part(one, "medicationReference"), "reference")
        concept = part(referred(one, reference, found), "code")
    meant = meaning("medications", concept, known)
    return {meant} if meant else codes(concept, ATC)


def read_medication(one: Located, reading: Reading) -> None:
    """Take a medicine, from a statement, a request or an administration."""
    content, clock = one.content, reading.clock
    named = medicine(content, reading.found, reading.known)
    if not named:
        reading.leave(one.place, "no ATC code, and no RxNorm code that is known here")
        return
    if DOSE in named:
        why = "a course of doses is read from a request and from administrations"
        reading.leave(one.place, why)
        return
    entered = clock.span(content.get("dateAsserted")) or clock.span(content.get("authoredOn"))
    when = began(content, "effective", clock)
    _take("medication", named, (when, ended(content, "effective", clock), entered), one, reading)


def read_procedure(one: Located, reading: Reading) -> None:
    """Take a procedure that was done."""
    if text(one.content, "status") != "completed":
        reading.leave(one.place, "it is not completed", "incomplete")
        return
    named = codes(one.content.get("code"), SNOMED)
    if not named:
        reading.leave(one.place, "no SNOMED code")
        return
    clock = reading.clock
    times = (began(one.content, "performed", clock), ended(one.content, "performed", clock), None)
    _take("procedure", named, times, one, reading)


def _take(
    kind: str,
    named: set[str],
    times: tuple[Span | None, Span | None, Span | None],
    one: Located,
    reading: Reading,
) -> None:
    """Take a fact with the days on which it began, was over and was entered."""
    (when, over, entered), clock = times, reading.clock
    if clock.lies_ahead(when) or clock.lies_ahead(entered):
        reading.leave(one.place, "it is dated after it was sent", "business-rule")
        return
    began_at = when or entered
    start = None if began_at is None else clock.day(began_at.first)
    end = None if over is None else clock.day(over.last)
    if start is not None and end is not None and end < start:
        reading.leave(one.place, "it ends before it begins: its end is not used", "value")
        end = None
    days = {"start_day": start, "end_day": end, "recorded_day": clock.recorded(began_at, entered)}
    for code in sorted(named):
        reading.take("history", {"kind": kind, "code": code, **days}, one)
