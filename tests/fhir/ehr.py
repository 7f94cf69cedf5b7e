"""Draws what an EHR holds: resources of one patient, in few words."""

from typing import Any

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
Resource = dict[str, Any]


def coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def resource(kind: str, name: str, **parts: Any) -> Resource:
    about = {} if kind in {"Patient", "Medication"} else {"subject": {"reference": "Patient/p"}}
    return {"resourceType": kind, "id": name, **about, **parts}


def patient(**changes: Any) -> Resource:
    return resource("Patient", "p", gender="female", birthDate="1983-01-01") | changes


def diagnosis(code: str = "F33.2", **changes: Any) -> Resource:
    system = "http://hl7.org/fhir/sid/icd-10-cm"
    return resource("Condition", "dx", code=coded(system, code), recordedDate="2020-05") | changes


def score(value: Any = 19, code: str = "44261-6", **changes: Any) -> Resource:
    parts = {
        "status": "final",
        "code": coded(LOINC, code),
        "effectiveDateTime": "2024-02-20",
        "valueQuantity": {"value": value, "code": "{score}", "system": "http://unitsofmeasure.org"},
    }
    return resource("Observation", f"s-{code}", **parts) | changes


def answers(items: dict[str, Any], **changes: Any) -> Resource:
    """A QuestionnaireResponse: an answer's value[x] for each linkId."""
    asked = [{"linkId": link, "answer": [value]} for link, value in items.items()]
    parts = {"status": "completed", "authored": "2024-02-20T09:00:00Z", "item": asked}
    return resource("QuestionnaireResponse", "q", **parts) | changes


def dose(when: str = "2024-02-25T10:00:00Z", **changes: Any) -> Resource:
    parts = {
        "status": "completed",
        "medicationCodeableConcept": coded(RXNORM, "6130"),
        "effectiveDateTime": when,
        "dosage": {
            "route": coded(SNOMED, "47625008"),
            "dose": {"value": 0.5, "unit": "mg/kg", "code": "mg/kg"},
        },
    }
    return resource("MedicationAdministration", f"d-{when[:10]}", **parts) | changes


def order(**changes: Any) -> Resource:
    amount = {"doseQuantity": {"value": 0.5, "unit": "mg/kg", "code": "mg/kg"}}
    instruction = {
        "route": coded(SNOMED, "78421000"),
        "timing": {"repeat": {"count": 6}},
        "doseAndRate": [amount],
    }
    parts = {
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": coded(RXNORM, "6130"),
        "dosageInstruction": [instruction],
    }
    return resource("MedicationRequest", "plan", **parts) | changes


def bundle(*resources: Resource, timestamp: str = "2024-03-01T00:00:00Z") -> Resource:
    entries = [{"resource": one} for one in resources]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": timestamp,
        "entry": entries,
    }
