-- People who used heroin or cocaine in the three months before admission (403 of 628). For the 207
-- who used neither and the 18 not asked, no condition can be named.
-- Codes after Hosmer and Lemeshow: race 0 white, 1 other; site 0 A, 1 B; ivhx 1 never, 2 previous,
-- 3 recent injecting.
SELECT
  CAST(id AS VARCHAR) AS patient_id,
  CASE site WHEN 0 THEN 'A' ELSE 'B' END AS site,
  age,
  CASE race WHEN 0 THEN 'white' WHEN 1 THEN 'other' END AS race,
  CAST(ivhx = 3 AS INTEGER) AS recent_injecting
FROM uis
WHERE hercoc IN (1, 2, 3)
