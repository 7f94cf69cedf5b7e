-- Dates by line and name: a field `phq9_date`, or a survey's `phq9_timestamp`, dates what is called
-- `phq9`. A line without a `visit_date` has that of its record's event. What is no date stops the
-- import: the visit's date in its place would be a guess.
WITH dates AS (
  SELECT
    line,
    field,
    CASE
      WHEN TRY_CAST(value AS TIMESTAMP) IS NULL THEN error(field || ' holds what is no date')
      ELSE CAST(value AS TIMESTAMP)
    END AS moment
  FROM fields
  WHERE regexp_matches(field, '_(date|timestamp)$') AND value <> '[not completed]'
),
written AS (
  SELECT
    line,
    regexp_replace(field, '_(date|timestamp)$', '') AS name,
    arg_min(moment, field) AS moment
  FROM dates
  GROUP BY line, name
),
visit_dates AS (
  SELECT record, event, min(moment) AS moment
  FROM written
  JOIN entries USING (line)
  WHERE name = 'visit'
  GROUP BY record, event
)
SELECT line, name, moment FROM written
UNION ALL
SELECT line, 'visit', moment
FROM entries
JOIN visit_dates USING (record, event)
WHERE line NOT IN (SELECT line FROM written WHERE name = 'visit')
