-- People with a course: their day zero, and the last day on which any course was observed.
SELECT
  person_id,
  min(day_zero) AS day_zero,
  max(last_day) AS last_day,
  arg_min(visit_occurrence_id, index_day) AS visit_occurrence_id
FROM treated
GROUP BY person_id
