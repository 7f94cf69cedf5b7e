-- `drug` says whether the person took an antidepressant when the trial began.
SELECT
  CAST(id AS VARCHAR) AS patient_id,
  'medication' AS kind,
  'antidepressant' AS code,
  -0.5 AS start_day
FROM beat_the_blues
WHERE drug
