-- One row a person; the source has neither age, sex nor site.
SELECT
  CAST(id AS VARCHAR) AS patient_id,
  CASE length WHEN '>6m' THEN 1 WHEN '<6m' THEN 0 END AS long_episode
FROM beat_the_blues
