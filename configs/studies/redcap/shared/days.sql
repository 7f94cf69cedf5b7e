-- Days since the record's first dose, by line and name. What is dated on the day of a dose came
-- before it where the event says so, or where both have a time that does: `day` is then half a day
-- back, and `whole_day` is not.
WITH first_doses AS (
  SELECT record, min(given_on) AS day_zero FROM doses GROUP BY record
)
SELECT
  line,
  name,
  CAST(moment AS DATE) - day_zero AS whole_day,
  whole_day - CASE
    WHEN before_dose AND given_on IS NOT NULL THEN 0.5
    WHEN nullif(CAST(moment AS TIME), TIME '00:00:00') < given_at THEN 0.5
    ELSE 0
  END AS day
FROM moments
JOIN entries USING (line)
JOIN first_doses USING (record)
LEFT JOIN doses ON doses.record = entries.record AND given_on = CAST(moment AS DATE)
