-- Each infusion is a dosing session: 0.5 mg/kg over 40 minutes (from memory of the trial's
-- reports; the data do not say), or a dose of 0 for placebo.
WITH infusions AS (
  SELECT participant_id, infusion_1 AS infusion, 0 AS day
  FROM nimh_ketamine
  WHERE session_id = 'b0' AND "group" = 'MDD'
  UNION ALL
  SELECT participant_id, infusion_2, 14
  FROM nimh_ketamine
  WHERE session_id = 'b0' AND "group" = 'MDD'
)
SELECT
  participant_id || CASE infusion WHEN 'd' THEN '-ketamine' ELSE '-placebo' END AS course_id,
  day,
  'dosing' AS kind,
  'iv' AS route,
  CASE infusion WHEN 'd' THEN 0.5 ELSE 0 END AS dose_mg_per_kg,
  40 AS minutes
FROM infusions
WHERE infusion IS NOT NULL
