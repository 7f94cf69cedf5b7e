-- Dates by line and name: a field `phq9_date`, or a survey's `phq9_timestamp`, dates what is called
-- `phq9`. A line without a `visit_date` has that of its record's event.
WITH written AS (
  SELECT
    line,
    regexp_replace(field, '_(date|timestamp)$', '') AS name,
    arg_min(CAST(value AS TIMESTAMP), field) AS moment
  FROM fields
  WHERE regexp_matches(field, '_(date|timestamp)$') AND value <> '[not completed]'
  GROUP BY ALL
),
visits AS (
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
JOIN visits USING (record, event)
WHERE line NOT IN (SELECT line FROM written WHERE name = 'visit')
