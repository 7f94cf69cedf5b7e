"""Entries of the audit trail as FHIR R4 AuditEvent, after IHE BALP 1.1 (PatientCreate)."""

from typing import Any

from kappredict.serving.audit import AuditTrail, Chained

_MOST = 1000
_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_OUTCOMES = {"answered": "0", "refused": "4"}


def audit_bundle(trail: AuditTrail) -> dict[str, Any]:
    """Give the last thousand entries as a Bundle of AuditEvent."""
    number, _ = trail.head()
    events = [audit_event(one) for one in trail.read(after=max(0, number - _MOST))]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": one} for one in events],
    }


def audit_event(one: Chained) -> dict[str, Any]:
    """Give an entry as an AuditEvent: client, server and user; patient, data and transaction."""
    entry = one.entry
    return {
        "resourceType": "AuditEvent",
        "id": str(one.number),
        "meta": {
            "profile": [
                "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientCreate"
            ]
        },
        "type": {
            "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
            "code": "rest",
        },
        "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": "create"}],
        "action": "C",
        "recorded": entry.at,
        "outcome": _OUTCOMES[entry.outcome],
        "agent": [
            _agent(_DCM, "110153", entry.who, requestor=False),
            _agent(_DCM, "110152", "kappredict", requestor=False),
            _agent(_PARTICIPATION, "INF", f"{entry.who} ({entry.role})", requestor=True),
        ],
        "source": {"observer": {"display": "kappredict"}},
        "entity": [
            _entity("1", "1", f"patient {entry.pseudonym or 'not named'}"),
            _entity("2", "4", entry.models or entry.action),
            _entity("2", "20", f"request {entry.request_id}"),
        ],
    }


def _agent(system: str, code: str, who: str, *, requestor: bool) -> dict[str, Any]:
    return {
        "type": {"coding": [{"system": system, "code": code}]},
        "who": {"display": who},
        "requestor": requestor,
    }


def _entity(kind: str, role: str, what: str) -> dict[str, Any]:
    return {
        "what": {"display": what},
        "type": {
            "system": "http://terminology.hl7.org/CodeSystem/audit-entity-type",
            "code": kind,
        },
        "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": role},
    }
