-- Days with a dosing session, on its own date or that of the visit. Midnight stands for no time; of
-- several doses of a day the first counts.
WITH dosed AS (
  SELECT record, line, arg_min(moment, name) AS moment
  FROM fields
  JOIN entries USING (line)
  JOIN moments USING (line)
  WHERE field = 'session_kind' AND value = 'dosing' AND name IN ('session', 'visit')
  GROUP BY record, line
)
SELECT
  record,
  CAST(moment AS DATE) AS given_on,
  min(nullif(CAST(moment AS TIME), TIME '00:00:00')) AS given_at
FROM dosed
GROUP BY record, given_on
