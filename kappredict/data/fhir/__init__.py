"""FHIR R4: from what an EHR holds about a patient to a patient record, for service and import."""
