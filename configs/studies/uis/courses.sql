-- hercoc 1 (heroin and cocaine) and 2 (heroin only) are opioid courses, 3 (cocaine only) cocaine
-- courses. Observation ends on the day of return to use or of the last contact. The arm is the
-- planned length of the stay.
SELECT
  CAST(id AS VARCHAR) AS course_id,
  CAST(id AS VARCHAR) AS patient_id,
  CASE hercoc WHEN 3 THEN 'cud' ELSE 'oud' END AS condition,
  0 AS index_day,
  CASE treat WHEN 1 THEN 'long' ELSE 'short' END AS arm,
  'trial' AS setting,
  "time" AS last_day
FROM uis
WHERE hercoc IN (1, 2, 3)
