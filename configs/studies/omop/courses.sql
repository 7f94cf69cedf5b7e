-- One course for each treatment and condition; see shared/treated.sql.
SELECT
  course_id, CAST(person_id AS VARCHAR) AS patient_id, condition, index_day, last_day
FROM treated
