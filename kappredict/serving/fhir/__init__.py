"""FHIR R4 of the service: a Bundle about a patient in, RiskAssessment out."""
