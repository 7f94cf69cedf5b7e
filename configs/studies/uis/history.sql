-- Return to drug use is an event on its own day, which is also the last day under observation;
-- relapse_or_ltfu = 0 means last contact without it. Injecting (ivhx: 1 never, 2 previous, 3 recent)
-- and previous treatments were asked at admission.
SELECT
  CAST(id AS VARCHAR) AS patient_id,
  'event' AS kind,
  'relapse' AS code,
  "time" AS start_day,
  1 AS value,
  NULL AS recorded_day
FROM uis
WHERE hercoc IN (1, 2, 3) AND relapse_or_ltfu = 1
UNION ALL
SELECT CAST(id AS VARCHAR), 'substance', 'injecting', NULL, CAST(ivhx > 1 AS INTEGER), -0.5
FROM uis
WHERE hercoc IN (1, 2, 3) AND ivhx IS NOT NULL
UNION ALL
SELECT CAST(id AS VARCHAR), 'procedure', 'previous_treatment', NULL, ndrugtx, -0.5
FROM uis
WHERE hercoc IN (1, 2, 3) AND ndrugtx IS NOT NULL
