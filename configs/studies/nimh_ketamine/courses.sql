-- One course per infusion: d is ketamine, p placebo. The first infusion is on day 0 and the second on
-- day 14 (an assumption; the data give only days after each). The first course ends where
-- the second begins; after the last infusion people were seen for 10 days.
WITH infusions AS (
  SELECT participant_id, infusion_1 AS infusion, 0 AS index_day, infusion_2 IS NULL AS is_last
  FROM nimh_ketamine
  WHERE session_id = 'b0' AND "group" = 'MDD'
  UNION ALL
  SELECT participant_id, infusion_2, 14, TRUE
  FROM nimh_ketamine
  WHERE session_id = 'b0' AND "group" = 'MDD'
)
SELECT
  participant_id || CASE infusion WHEN 'd' THEN '-ketamine' ELSE '-placebo' END AS course_id,
  participant_id AS patient_id,
  'depression' AS condition,
  index_day,
  CASE infusion WHEN 'd' THEN 'ketamine' ELSE 'placebo' END AS arm,
  'trial' AS setting,
  'iv' AS planned_route,
  1 AS planned_doses,
  CASE WHEN is_last THEN index_day + 10 ELSE 13.5 END AS last_day
FROM infusions
WHERE infusion IS NOT NULL
