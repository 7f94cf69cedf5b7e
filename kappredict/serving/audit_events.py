"""Entries of the audit trail as FHIR R4 AuditEvent, after IHE BALP 1.1.

An answer is made and handed over, and a feedback kept: both are a create. The profile is claimed
for what succeeded only, as BALP has it, and the patient's where the entry is about one.
"""

from typing import Any

from kappredict.domain.terminology import OWN
from kappredict.serving.audit import AuditTrail, Chained, Entry

_MOST = 1000
_BALP = "https://profiles.ihe.net/ITI/BALP"
_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def audit_bundle(trail: AuditTrail) -> dict[str, Any]:
    """Give the last thousand entries as a Bundle of AuditEvent."""
    number, _ = trail.head()
    events = [audit_event(one) for one in trail.read(after=max(0, number - _MOST))]
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": one, "search": {"mode": "match"}} for one in events],
    }


def audit_event(one: Chained) -> dict[str, Any]:
    """Give an entry as an AuditEvent: client, server and user; patient, data and transaction."""
    entry = one.entry
    event = {
        "resourceType": "AuditEvent",
        "id": str(one.number),
        "type": {
            "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
            "code": "rest",
        },
        "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": "create"}],
        "action": "C",
        "recorded": entry.at,
        "outcome": _outcome(entry),
        "agent": [
            _machine("110153", entry.who),
            _machine("110152", "kappredict"),
            {
                "type": {"coding": [{"system": _PARTICIPATION, "code": "INF"}]},
                "who": {"display": entry.who},
                "role": [{"text": entry.role}],
                "requestor": True,
            },
        ],
        "source": {"observer": {"display": "kappredict"}},
        "entity": _entities(entry),
    }
    if entry.outcome == "answered":
        profile = "IHE.BasicAudit.PatientCreate" if entry.pseudonym else "IHE.BasicAudit.Create"
        event["meta"] = {"profile": [f"{_BALP}/StructureDefinition/{profile}"]}
    return event


def _outcome(entry: Entry) -> str:
    """Give FHIR's code: success, a fault of the request, or one of the service."""
    if entry.outcome == "answered":
        return "0"
    return "8" if entry.note.startswith("5") else "4"


def _machine(code: str, who: str) -> dict[str, Any]:
    # The trail keeps no network address: it would be a datum about a person in many a clinic.
    unknown = {"extension": [{"url": _ABSENT, "valueCode": "masked"}]}
    return {
        "type": {"coding": [{"system": _DCM, "code": code}]},
        "who": {"display": who},
        "requestor": False,
        "network": unknown,
    }


def _entities(entry: Entry) -> list[dict[str, Any]]:
    patient = {"type": "Patient", "identifier": _identifier("pseudonym", entry.pseudonym)}
    models = [{"type": "models", "valueString": entry.models}] if entry.models else []
    notes = [{"type": "note", "valueString": entry.note}] if entry.note else []
    data = {
        "what": {"identifier": _identifier("answer", entry.answer or entry.request)},
        "type": {"system": _ENTITY_TYPE, "code": "2"},
        "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "4"},
        "name": entry.action,
        "detail": [*models, *notes],
    }
    return [
        *([_person(patient)] if entry.pseudonym else []),
        {key: value for key, value in data.items() if value},
        {
            "what": {"identifier": {"value": entry.request_id}},
            "type": {"system": f"{_BALP}/CodeSystem/BasicAuditEntityType", "code": "XrequestId"},
        },
    ]


def _person(who: dict[str, Any]) -> dict[str, Any]:
    return {
        "what": who,
        "type": {"system": _ENTITY_TYPE, "code": "1"},
        "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "1"},
    }


def _identifier(kind: str, value: str) -> dict[str, str]:
    return {"system": f"{OWN}/{kind}", "value": value or "none"}
