-- Diagnoses, medicines and procedures, by ICD-10, ATC and SNOMED code, and death.
SELECT patient_id, kind, code, start_day, end_day, recorded_day FROM fhir_history
