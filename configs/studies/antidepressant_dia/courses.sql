-- Day 0 is randomisation; observation ends with the last visit.
SELECT
  CAST(PATIENT AS VARCHAR) AS course_id,
  CAST(PATIENT AS VARCHAR) AS patient_id,
  'depression' AS condition,
  0 AS index_day,
  lower(any_value(THERAPY)) AS arm,
  'trial' AS setting,
  max(RELDAYS) AS last_day
FROM antidepressant_dia
GROUP BY PATIENT
