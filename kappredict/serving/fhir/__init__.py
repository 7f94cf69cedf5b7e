"""FHIR R4: reading what an EHR holds about a patient, and writing RiskAssessment."""
