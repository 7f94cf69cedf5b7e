-- Facts asked about once, at the first survey; "no" is a row of value 0. A survey on the
-- randomisation day came first (its answers decided who could be randomised), so it was recorded half
-- a day before; a later survey keeps its day and is not used at baseline.
WITH randomised AS (
  SELECT
    who,
    CASE WHEN first_survey."when" = randomization."when" THEN first_survey."when" - 0.5
      ELSE first_survey."when" END AS recorded_day
  FROM randomization
  JOIN first_survey USING (who)
  WHERE "which" = 1 AND randomization."when" IS NOT NULL
),
codes (answer, kind, code) AS (
  VALUES
  ('has_schizophrenia', 'diagnosis', 'psychosis'),
  ('has_major_dep', 'diagnosis', 'major_depression'),
  ('has_bipolar', 'diagnosis', 'bipolar_disorder'),
  ('has_anx_pan', 'diagnosis', 'anxiety_disorder'),
  ('has_brain_damage', 'diagnosis', 'brain_injury'),
  ('has_epilepsy', 'diagnosis', 'epilepsy'),
  ('has_alcol_dx', 'diagnosis', 'alcohol_use_disorder'),
  ('has_amphetamines_dx', 'diagnosis', 'amphetamine_use_disorder'),
  ('has_cannabis_dx', 'diagnosis', 'cannabis_use_disorder'),
  ('has_cocaine_dx', 'diagnosis', 'cocaine_use_disorder'),
  ('has_sedatives_dx', 'diagnosis', 'sedative_use_disorder')
),
answers AS (
  UNPIVOT (
    SELECT who, COLUMNS('^has_')::INTEGER FROM psychiatric
  ) ON COLUMNS('^has_') INTO NAME answer VALUE value
),
-- Injecting: the addiction severity index where it was asked, else any day of injecting in the
-- risk behaviour survey (CTN-0027 mostly has only that).
injecting AS (
  SELECT who, coalesce(CAST(used_iv AS INTEGER), CAST(days > 0 AS INTEGER)) AS value
  FROM asi
  FULL JOIN rbs_iv USING (who)
),
-- Cigarettes come in bands: the middle of each, and 35 for "31 or more".
cigarettes AS (
  SELECT
    CAST(who AS BIGINT) AS who,
    CASE
      WHEN NOT is_smoker THEN 0
      WHEN per_day = '10 OR LESS' THEN 5
      WHEN per_day = '11-20' THEN 15
      WHEN per_day = '21-30' THEN 25
      WHEN per_day = '31 OR MORE' THEN 35
    END AS value
  FROM fagerstrom
),
facts AS (
  SELECT who, kind, code, value FROM answers JOIN codes USING (answer)
  UNION ALL
  SELECT who, 'substance', 'injecting', value FROM injecting
  UNION ALL
  SELECT who, 'substance', 'cigarettes', value FROM cigarettes
)
SELECT CAST(who AS VARCHAR) AS patient_id, kind, code, value, recorded_day
FROM facts
JOIN randomised USING (who)
WHERE value IS NOT NULL
