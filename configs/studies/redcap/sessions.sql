-- Sessions of each course, with `session_route`, `session_dose_mg_per_kg` and `session_minutes`
-- beside `session_kind`.
SELECT
  course_id,
  day,
  kind,
  max(value) FILTER (field = 'session_route') AS route,
  max(value) FILTER (field = 'session_dose_mg_per_kg') AS dose_mg_per_kg,
  max(value) FILTER (field = 'session_minutes') AS minutes
FROM treated
JOIN held USING (record)
JOIN fields USING (line)
GROUP BY course_id, line, day, kind
