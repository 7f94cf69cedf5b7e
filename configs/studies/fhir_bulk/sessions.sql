-- Doses that were given; those of one date are one session. A patient's sessions are of each course.
SELECT course_id, day, kind, route, dose_mg_per_kg, minutes
FROM fhir_sessions
JOIN fhir_courses USING (patient_id)
