-- The score before treatment is half a day before day 0; later ones count 30.5 days a month.
-- The Beck Depression Inventory is taken as BDI-II (same range; an assumption).
WITH scores AS (
  SELECT id, -0.5 AS day, "bdi.pre" AS value FROM beat_the_blues
  UNION ALL SELECT id, 61, "bdi.2m" FROM beat_the_blues
  UNION ALL SELECT id, 122, "bdi.4m" FROM beat_the_blues
  UNION ALL SELECT id, 183, "bdi.6m" FROM beat_the_blues
  UNION ALL SELECT id, 244, "bdi.8m" FROM beat_the_blues
)
SELECT CAST(id AS VARCHAR) AS patient_id, day, 'bdi2' AS instrument, '' AS item, value
FROM scores
WHERE value IS NOT NULL
