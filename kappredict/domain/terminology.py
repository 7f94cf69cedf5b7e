"""Codes of other systems that mean something here, and the addresses of those systems."""

from kappredict.domain.base import Definition, Mark

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10 = ("http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10")
ATC = "http://www.whocc.no/atc"
OWN = "https://kappredict.example.org/fhir"
OWN_INSTRUMENT = f"{OWN}/CodeSystem/instrument"


class Term(Definition):
    """One code of another system, what it means here, and how far that was checked."""

    system: str
    code: str
    label: str
    means: str
    mark: Mark


Terminology = dict[str, tuple[Term, ...]]
