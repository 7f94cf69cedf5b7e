-- Everybody with a first randomisation day (1,922 of 2,788). The others were screened and never
-- treated in the trial: they have no index day and no outcome.
-- The surveys have one day, `first_survey`. Where it lies after the randomisation (one person) their
-- answers were not known before the first dose and are left empty; on the same day they came
-- first, because the answers decided who could be randomised.
-- The Fagerström questionnaire and the demographics have no day; the protocols ask for them at
-- screening (an assumption).
WITH randomised AS (
  SELECT who, "when" AS index_day FROM randomization WHERE "which" = 1 AND "when" IS NOT NULL
),
days_of_use AS (
  SELECT
    who,
    max(days) FILTER (what = 'heroin') AS heroin_days,
    max(days) FILTER (what = 'opioid') AS other_opioid_days,
    max(days) FILTER (what = 'cocaine') AS cocaine_days,
    max(days) FILTER (what = 'speedball') AS speedball_days,
    max(days) FILTER (what = 'speed') AS speed_days
  FROM rbs
  GROUP BY who
),
surveyed AS (
  SELECT
    who,
    days_of_use.* EXCLUDE (who),
    rbs_iv.days AS injecting_days,
    CASE psychiatric.depression WHEN 'Yes' THEN 1 WHEN 'No' THEN 0 END AS reported_depression,
    CASE psychiatric.anxiety WHEN 'Yes' THEN 1 WHEN 'No' THEN 0 END AS reported_anxiety
  FROM randomised
  JOIN first_survey USING (who)
  LEFT JOIN days_of_use USING (who)
  LEFT JOIN rbs_iv USING (who)
  LEFT JOIN psychiatric USING (who)
  WHERE first_survey."when" <= randomised.index_day
)
SELECT
  CAST(who AS VARCHAR) AS patient_id,
  CAST(site_masked AS VARCHAR) AS site,
  CASE WHEN is_male THEN 'male' WHEN NOT is_male THEN 'female' END AS sex,
  age,
  nullif(race, 'Refused/missing') AS race,
  CAST(is_hispanic AS INTEGER) AS hispanic,
  job,
  education,
  marital,
  CAST(is_living_stable AS INTEGER) AS stable_housing,
  CAST(is_smoker AS INTEGER) AS smoker,
  ftnd AS nicotine_dependence,
  surveyed.* EXCLUDE (who)
FROM randomised
LEFT JOIN site_masked USING (who)
LEFT JOIN demographics USING (who)
LEFT JOIN fagerstrom USING (who)
LEFT JOIN surveyed USING (who)
