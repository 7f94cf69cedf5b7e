-- People with major depression (MDD) and at least one infusion. Healthy controls (HC) have no
-- condition, three people have bipolar depression (BP), and two were never infused: no courses.
SELECT
  participant_id AS patient_id,
  'NIMH' AS site,
  CASE sex WHEN 'F' THEN 'female' WHEN 'M' THEN 'male' END AS sex,
  age,
  BMI AS bmi
FROM nimh_ketamine
WHERE session_id = 'b0' AND "group" = 'MDD' AND infusion_1 IS NOT NULL
