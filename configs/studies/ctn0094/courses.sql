-- One course per person, from the first randomisation, which is the day of the first dose for 97 %.
-- CTN-0030's second randomisation took those who did badly after the first, so it is an outcome and
-- starts no course of its own.
-- Visits were due for at least twelve weeks whatever happened, so observation ends on day 84 for
-- everybody: who stayed away is a missed visit (which counts as use), not somebody lost.
SELECT
  CAST(who AS VARCHAR) AS course_id,
  CAST(who AS VARCHAR) AS patient_id,
  'oud' AS condition,
  "when" AS index_day,
  'CTN-00' || project AS study,
  treatment AS arm,
  'trial' AS setting,
  "when" + 84 AS last_day
FROM randomization
JOIN everybody USING (who)
WHERE "which" = 1 AND "when" IS NOT NULL
