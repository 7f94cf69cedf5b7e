"""What the FHIR interface can do: the CapabilityStatement, with the operation it offers."""

from datetime import UTC, datetime
from typing import Any

from kappredict import __version__
from kappredict.domain.terminology import OWN


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
                "documentation": "Probabilities are on the scale from 0 to 1. Research use.",
                "operation": [
                    {
                        "name": "predict",
                        "definition": f"{OWN}/OperationDefinition/predict",
                        "documentation": "A Bundle about one patient in, a Bundle of "
                        "RiskAssessment and an OperationOutcome of what was not used out.",
                    }
                ],
            }
        ],
    }
