-- b0 is before the first infusion (half a day before day 0); d2, d10, p2, p10 are 2 and 10 days after
-- the ketamine and the placebo infusion, whichever came first. HAM-D Bech is left out: its items are
-- part of the HAM-D 17.
WITH placed AS (
  SELECT
    *,
    CASE
      WHEN session_id = 'b0' THEN -0.5
      ELSE CASE WHEN session_id[1] = infusion_1 THEN 0 ELSE 14 END + session_id[2:]::INTEGER
    END AS day
  FROM nimh_ketamine
  WHERE "group" = 'MDD' AND infusion_1 IS NOT NULL
)
SELECT participant_id AS patient_id, day, 'madrs' AS instrument, '' AS item, MADRS_Total AS value
FROM placed
WHERE MADRS_Total IS NOT NULL
UNION ALL
SELECT participant_id, day, 'hamd17', '', HAM17_Total
FROM placed
WHERE HAM17_Total IS NOT NULL
