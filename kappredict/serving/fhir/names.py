"""Addresses of systems, profiles and extensions: those of HL7, and our own, in one place."""

from kappredict.config.catalogue import shipped_configs
from kappredict.config.reader import read_yaml

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10 = ("http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10")
ATC = "http://www.whocc.no/atc"
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
OBSERVATION_VALUE = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
OWN = "https://kappredict.example.org/fhir"
OWN_INSTRUMENT = f"{OWN}/CodeSystem/instrument"
OWN_OUTCOME = f"{OWN}/CodeSystem/outcome"
OWN_MODEL = f"{OWN}/CodeSystem/model"
OWN_ITEM = f"{OWN}/CodeSystem/instrument-item"


def extension(name: str) -> str:
    """Give the address of one of our own extensions."""
    return f"{OWN}/StructureDefinition/{name}"


def _meanings() -> dict[str, dict[tuple[str, str], str]]:
    content = read_yaml(shipped_configs() / "terminology.yaml")
    return {
        kind: {(one["system"], one["code"]): one["means"] for one in entries}
        for kind, entries in content.items()
    }


MEANINGS = _meanings()
