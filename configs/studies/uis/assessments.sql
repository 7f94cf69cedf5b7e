-- The Beck depression score at admission, half a day before day 0, taken as BDI-II (an assumption).
SELECT
  CAST(id AS VARCHAR) AS patient_id,
  -0.5 AS day,
  'bdi2' AS instrument,
  '' AS item,
  beck AS value
FROM uis
WHERE hercoc IN (1, 2, 3) AND beck IS NOT NULL
