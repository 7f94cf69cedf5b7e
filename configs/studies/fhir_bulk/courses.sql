-- One course for each diagnosis that was treated. Who comes no more is lost from the last score or
-- session on, not well.
WITH seen AS (
  SELECT patient_id, day FROM fhir_assessments
  UNION ALL
  SELECT patient_id, day FROM fhir_sessions
)
SELECT
  course_id,
  patient_id,
  condition,
  index_day,
  'clinic' AS setting,
  planned_route,
  planned_doses,
  planned_dose_mg_per_kg,
  (SELECT greatest(max(seen.day), index_day) FROM seen WHERE seen.patient_id = courses.patient_id)
    AS last_day
FROM fhir_courses AS courses
