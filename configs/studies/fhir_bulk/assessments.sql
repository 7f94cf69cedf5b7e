-- Totals and items, each on its day and, where it was entered later, on that one.
SELECT patient_id, day, instrument, item, value, recorded_day FROM fhir_assessments
