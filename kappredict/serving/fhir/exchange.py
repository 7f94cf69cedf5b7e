"""One exchange in FHIR: a Bundle about a patient in, a Bundle of RiskAssessment out."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from kappredict.data.fhir.elements import text
from kappredict.data.fhir.patient import PatientRead, read_patient_record
from kappredict.data.fhir.reading import Located
from kappredict.data.fhir.times import span_of
from kappredict.serving.core import Core, Reply
from kappredict.serving.fhir.write import Exchanged, result_bundle
from kappredict.serving.problems import invalid
from kappredict.serving.shelf import Shelf
from kappredict.serving.together import Asks


def predict_bundle(core: Core, content: Any, request_id: str) -> Asks[Reply]:
    """Answer a Bundle.

    Raises
    ------
    Problem
        422, if it is no Bundle about one patient with a condition that a model is for.
    """
    shelf = core.shelf
    patient, read = read_bundle(shelf, content)
    if not read.conditions:
        known = ", ".join(shelf.by_condition)
        raise invalid([("/entry", f"holds no active Condition that a model is for ({known})")])
    done = yield from answered(core, patient, read, request_id)
    return replace(
        done.reply,
        content=result_bundle(done, request_id, shelf, core.settings.url),
        patients=(patient_name(patient),),
        media_type="application/fhir+json",
    )


def read_bundle(shelf: Shelf, content: Any) -> tuple[Located, PatientRead]:
    """Read a Bundle about one patient, as of its timestamp or, where it has none, of now.

    Raises
    ------
    Problem
        422, if it is no Bundle, or about nobody or several.
    """
    resources = list(_resources(content))
    patient = _one_patient(resources)
    asked = span_of(content.get("timestamp"), UTC)
    now = asked.last if asked else datetime.now(UTC)
    return patient, read_patient_record(patient, resources, shelf.definitions, now)


def answered(core: Core, patient: Located, read: PatientRead, request_id: str) -> Asks[Exchanged]:
    """Answer what was read, as `/v1/predict` answers the same record."""
    reply = yield from core.predict(read.record, request_id)
    return Exchanged(patient, read, reply)


def patient_name(patient: Located) -> str:
    """Give what the patient is called in the record and, as a pseudonym, in the audit trail."""
    return text(patient.content, "id") or patient.url


def _resources(content: Any) -> Iterator[Located]:
    if not isinstance(content, Mapping) or content.get("resourceType") != "Bundle":
        raise invalid([("", "must be a FHIR Bundle (resourceType Bundle)")])
    entries = content.get("entry", [])
    if not isinstance(entries, list):
        raise invalid([("/entry", "must be a list")])
    for number, entry in enumerate(entries):
        one = entry.get("resource") if isinstance(entry, Mapping) else None
        if not isinstance(one, Mapping) or not text(one, "resourceType"):
            raise invalid([(f"/entry/{number}/resource", "must be a resource")])
        yield Located(f"Bundle.entry[{number}].resource", one, text(entry, "fullUrl"))


def _one_patient(resources: list[Located]) -> Located:
    patients = [one for one in resources if one.kind == "Patient"]
    if len(patients) != 1:
        raise invalid([("/entry", f"holds {len(patients)} Patient resources; one is needed")])
    if not patients[0].reference:
        raise invalid([("/entry", "the Patient needs an id, or its entry a fullUrl")])
    return patients[0]
