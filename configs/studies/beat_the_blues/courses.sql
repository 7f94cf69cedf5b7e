-- Treatment starts on day 0. Observation ends with the last score that came, so a person who did not
-- come back is lost from there on, not well.
SELECT
  CAST(id AS VARCHAR) AS course_id,
  CAST(id AS VARCHAR) AS patient_id,
  'depression' AS condition,
  0 AS index_day,
  treatment AS arm,
  'trial' AS setting,
  CASE
    WHEN "bdi.8m" IS NOT NULL THEN 244
    WHEN "bdi.6m" IS NOT NULL THEN 183
    WHEN "bdi.4m" IS NOT NULL THEN 122
    WHEN "bdi.2m" IS NOT NULL THEN 61
    ELSE 0
  END AS last_day
FROM beat_the_blues
