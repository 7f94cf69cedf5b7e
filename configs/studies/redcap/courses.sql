-- One course for each record and condition; see shared/treated.sql. The planned treatment is in
-- fields named as the columns are.
SELECT
  course_id,
  record AS patient_id,
  condition,
  index_day,
  arm,
  max(value) FILTER (field = 'setting') AS setting,
  max(value) FILTER (field = 'planned_route') AS planned_route,
  max(value) FILTER (field = 'planned_doses') AS planned_doses,
  max(value) FILTER (field = 'planned_dose_mg_per_kg') AS planned_dose_mg_per_kg,
  max(value) FILTER (field = 'planned_integration') AS planned_integration,
  last_day
FROM treated
JOIN answers USING (record)
GROUP BY ALL
