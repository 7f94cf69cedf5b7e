"""One patient's FHIR resources → a patient record, what it rests on, and what was left aside.

The service reads a Bundle with it, the import a bulk export: one mapping for both.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kappredict.data.fhir.doses import clock_of, read_administration, read_request, weights_of
from kappredict.data.fhir.elements import Definitions, text
from kappredict.data.fhir.facts import (
    read_condition,
    read_medication,
    read_patient,
    read_procedure,
)
from kappredict.data.fhir.reading import Issue, Located, Reading, Used, why_not
from kappredict.data.fhir.scores import read_observation, read_questionnaire
from kappredict.data.fhir.times import Clock

_READERS: dict[str, Callable[[Located, Reading], None]] = {
    "Patient": read_patient,
    "Condition": read_condition,
    "MedicationStatement": read_medication,
    "MedicationRequest": read_request,
    "MedicationAdministration": read_administration,
    "Procedure": read_procedure,
    "QuestionnaireResponse": read_questionnaire,
    "Observation": read_observation,
}
ACCEPTED = tuple(_READERS)


@dataclass(frozen=True)
class PatientRead:
    """What was read of one patient.

    `conditions` maps what is treated to the reference of the diagnosis; `used` says of each entry
    which resource it comes from. Days count from `clock.index`.
    """

    record: dict[str, Any]
    clock: Clock
    conditions: Mapping[str, str]
    used: tuple[Used, ...]
    issues: tuple[Issue, ...]


def read_patient_record(
    patient: Located,
    resources: Iterable[Located],
    known: Definitions,
    asked: datetime | None = None,
) -> PatientRead:
    """Read all that was sent of one patient.

    Parameters
    ----------
    resources
        All resources, the Patient among them; those of others are named as such.
    asked
        When a prediction is asked for; None where a study is made, in which a course begins with
        its first dose (`clock.dosed`).
    """
    located = list(resources)
    found = {name: one.content for one in located for name in (one.url, one.reference) if name}
    own = [one for one in located if not why_not(one, patient)]
    clock = clock_of(own, found, known, asked)
    reading = Reading(patient, clock, known, found, weights_of(own, clock, known))
    # A score that is sent twice is taken from the questionnaire, which has its items, too.
    for one in sorted(located, key=lambda each: each.kind == "Observation"):
        _read(one, reading)
    return PatientRead(
        _record(reading),
        clock,
        reading.conditions,
        tuple(reading.used),
        tuple(reading.issues),
    )


def _read(one: Located, reading: Reading) -> None:
    """Read a resource, or say why not; a Medication is read where something refers to it."""
    reader = _READERS.get(one.kind)
    why = why_not(one, reading.patient)
    if reader is None:
        if one.kind != "Medication":
            reading.leave(one.place, "resources of this type are not used")
    elif why:
        reading.leave(one.place, why, "business-rule")
    else:
        reader(one, reading)


def _record(reading: Reading) -> dict[str, Any]:
    clock = reading.clock
    course = {"condition": list(reading.conditions), "index_day": 0.0, **reading.planned}
    if clock.asked is not None:
        course["last_day"] = max(clock.day(clock.asked), 0.0)
    name = text(reading.patient.content, "id") or reading.patient.url
    return {"patient": {"patient_id": name, **reading.facts}, "course": course, **reading.entries}
