"""Addresses of systems, profiles and extensions: those of HL7, and our own, in one place."""

from kappredict.config.catalogue import read_terminology, shipped_configs
from kappredict.domain.terminology import OWN

ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
OBSERVATION_VALUE = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
OWN_OUTCOME = f"{OWN}/CodeSystem/outcome"
OWN_MODEL = f"{OWN}/CodeSystem/model"
OWN_ITEM = f"{OWN}/CodeSystem/instrument-item"


def extension(name: str) -> str:
    """Give the address of one of our own extensions."""
    return f"{OWN}/StructureDefinition/{name}"


def _meanings() -> dict[str, dict[tuple[str, str], str]]:
    return {
        kind: {(term.system, term.code): term.means for term in terms}
        for kind, terms in read_terminology([shipped_configs()]).items()
    }


MEANINGS = _meanings()
