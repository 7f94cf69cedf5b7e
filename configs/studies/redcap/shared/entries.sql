-- Lines of the file: whose they are, in which event, and where that event lies if it has no date.
WITH lines AS (
  SELECT
    line,
    max(value) FILTER (field = 'record_id') AS record,
    max(value) FILTER (field = 'redcap_event_name') AS event
  FROM fields
  GROUP BY line
)
SELECT line, record, event, day, coalesce(before_dose, FALSE) AS before_dose
FROM lines
LEFT JOIN events USING (event)
