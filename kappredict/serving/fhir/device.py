"""The model as FHIR: the Device that made a prediction, and where its card is."""

from typing import Any

from kappredict.serving.answers import OutcomeAnswer
from kappredict.serving.fhir.names import AI, AI_KIND, AI_TYPES, OWN_MODEL


def model_device(one: OutcomeAnswer) -> dict[str, Any]:
    """Write the model that answered, after HL7's AI Transparency on FHIR (AIDevice)."""
    kind = {"system": AI_TYPES, "code": "Machine-Learning-Models"}
    card = f"{AI}/StructureDefinition/aitransparency.modelCardDescription"
    return {
        "resourceType": "Device",
        "id": "model",
        "extension": [
            {"url": AI_KIND, "valueCodeableConcept": {"coding": [kind]}},
            {"url": card, "valueReference": {"reference": "#model-card"}},
        ],
        "identifier": [{"system": OWN_MODEL, "value": f"sha256:{one.model.digest}"}],
        "deviceName": [{"name": f"kappredict {one.model.name}", "type": "model-name"}],
        "type": {"coding": [{"system": AI_TYPES, "code": "Artificial-Intelligence"}]},
        "version": [{"value": one.model.version}],
    }


def model_card(one: OutcomeAnswer, url: str) -> dict[str, Any]:
    """Say where the model's card is: in the service's list of models, by name and digest."""
    coding = {"system": f"{AI}/CodeSystem/AImodelCardCS", "code": "AIModelCard"}
    place = f"{url.rstrip('/')}/v1/models"
    return {
        "resourceType": "DocumentReference",
        "id": "model-card",
        "status": "current",
        "type": {"coding": [coding]},
        "description": f"Card of {one.model.name}, {one.model.version}",
        "content": [{"attachment": {"contentType": "application/json", "url": place}}],
    }
