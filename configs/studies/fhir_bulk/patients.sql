-- Everybody with a course; enrolled on the day of the first dose. FHIR has no site of its own: take it
-- from your export's organisations, where you have them.
SELECT patient_id, sex, age, enrolled_on FROM fhir_patients
