-- Courses: records with a dosing session, once for each `condition` (a choice of one, or ticked
-- boxes). Observation ends on `last_contact_date`, or else with the last visit, session or score.
WITH conditions AS (
  SELECT DISTINCT record, value AS condition
  FROM fields
  JOIN entries USING (line)
  WHERE field = 'condition'
  UNION
  SELECT record, replace(field, 'condition___', '')
  FROM fields
  JOIN entries USING (line)
  WHERE starts_with(field, 'condition___') AND value = '1'
),
seen (name) AS (
  SELECT DISTINCT instrument FROM catalogue_scores
  UNION ALL
  VALUES ('visit'), ('session')
),
contacts AS (
  SELECT
    record,
    coalesce(
      max(whole_day) FILTER (name = 'last_contact'),
      max(whole_day) FILTER (name IN (SELECT name FROM seen)),
      max(entries.day)
    ) AS last_day
  FROM entries
  LEFT JOIN days USING (line)
  GROUP BY record
),
dosed AS (
  SELECT
    record,
    min(day) AS index_day,
    regexp_extract(arg_min(event, day), '_(arm_\d+)$', 1) AS arm
  FROM held
  WHERE kind = 'dosing'
  GROUP BY record
)
SELECT
  concat_ws('-', record, condition) AS course_id,
  record,
  condition,
  index_day,
  nullif(arm, '') AS arm,
  last_day
FROM dosed
JOIN conditions USING (record)
JOIN contacts USING (record)
