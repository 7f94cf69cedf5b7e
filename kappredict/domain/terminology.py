"""Codes of other systems that mean something here, and the addresses of those systems."""

from kappredict.domain.base import Sourced

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10 = ("http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10")
ATC = "http://www.whocc.no/atc"
OWN = "https://kappredict.example.org/fhir"
OWN_INSTRUMENT = f"{OWN}/CodeSystem/instrument"


class Term(Sourced):
    """One code of another system, and what it means here."""

    system: str
    code: str
    label: str
    means: str


Terminology = dict[str, tuple[Term, ...]]
