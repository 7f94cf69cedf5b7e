"""Addresses of what is written: systems and extensions of HL7, and our own, in one place."""

from kappredict.domain.terminology import OWN

OBSERVATION_VALUE = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
# HL7's AI Transparency on FHIR is a ballot (STU1, 2026): its addresses may still change.
AI = "http://hl7.org/fhir/uv/aitransparency"
AI_KIND = f"{AI}/StructureDefinition/aitransparency.AIKind"
AI_TYPES = f"{AI}/CodeSystem/AIdeviceTypeCS"
OWN_OUTCOME = f"{OWN}/CodeSystem/outcome"
OWN_MODEL = f"{OWN}/CodeSystem/model"


def extension(name: str) -> str:
    """Give the address of one of our own extensions."""
    return f"{OWN}/StructureDefinition/{name}"
