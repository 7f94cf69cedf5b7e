"""What the FHIR interface can do: the CapabilityStatement, and the operation that it offers."""

from datetime import UTC, datetime
from typing import Any

from kappredict import __version__
from kappredict.data.fhir.patient import ACCEPTED
from kappredict.domain.terminology import OWN

_OPERATION = f"{OWN}/OperationDefinition/predict"
_SAID = (
    "A Bundle about one patient in, a Bundle of RiskAssessment (one a model) out, with an "
    "OperationOutcome of what was not used. Probabilities are on the scale from 0 to 1. A Bundle's "
    "timestamp is when the prediction is asked for; left out, now. Research use."
)


def capability_statement(url: str) -> dict[str, Any]:
    """Give the CapabilityStatement of the service at an address."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": datetime.now(UTC).date().isoformat(),
        "kind": "instance",
        "software": {"name": "kappredict", "version": __version__},
        "implementation": {"description": "kappredict", "url": f"{url.rstrip('/')}/fhir"},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "documentation": _SAID,
                "security": {"description": "Authorization: Bearer, a key or a JWT"},
                "resource": [
                    *(_taken(kind) for kind in (*ACCEPTED, "Medication")),
                    {"type": "RiskAssessment", "documentation": "What $predict gives"},
                    {"type": "AuditEvent", "interaction": [{"code": "search-type"}]},
                ],
                "operation": [{"name": "predict", "definition": _OPERATION}],
            }
        ],
    }


def _taken(kind: str) -> dict[str, Any]:
    return {"type": kind, "documentation": "Read in the Bundle that is sent to $predict"}


def operation_definition() -> dict[str, Any]:
    """Define `$predict`."""
    return {
        "resourceType": "OperationDefinition",
        "id": "predict",
        "url": _OPERATION,
        "version": __version__,
        "name": "Predict",
        "status": "active",
        "kind": "operation",
        "affectsState": False,
        "code": "predict",
        "description": _SAID,
        "system": True,
        "type": False,
        "instance": False,
        "parameter": [
            {"name": "resource", "use": "in", "min": 1, "max": "1", "type": "Bundle"},
            {"name": "return", "use": "out", "min": 1, "max": "1", "type": "Bundle"},
        ],
    }
