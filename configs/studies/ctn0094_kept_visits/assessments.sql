-- Four instruments up to the end of observation: urine screens, the diary of use, withdrawal, pain.
--
-- Same-day rows. A urine screen of the randomisation day shows the use of the days before, whatever
-- the hour, so it is taken half a day back, before the first dose. `withdrawal` of that day is the
-- highest of the day, before or after the dose (it equals the higher of the `pre` and `post`
-- values), so it keeps its day and is not used at baseline; the `pre` value of withdrawal_pre_post
-- is, half a day back. CTN-0030's `pre` has no day, but fits the score of the randomisation day in
-- 642 of 644 people. Pain of that day cannot be told apart either and keeps its day.
WITH randomised AS (
  SELECT who, project, "when" AS index_day, "when" + 84 AS last_day
  FROM randomization
  JOIN everybody USING (who)
  WHERE "which" = 1 AND "when" IS NOT NULL
),

-- Urine. A sample with no drug in `uds` was negative for the whole panel; three days with drugs have
-- no row in `uds_temp` and are samples too. Samples of a wrong temperature count as given.
-- CTN-0030 lists a sample only where a drug was found (21 of its 6,287 samples are negative, of
-- CTN-0027's 28 %), so that a clean screen looks like a missed one. Its visits tell them apart: a
-- visit that was kept and has no sample was a negative screen. On 96 % of these days withdrawal was
-- scored, and before 12 % of them the diary has opioids, as before 13 % of the screens that found
-- other drugs only and 88 % of those that found opioids. (The source's authors count a visit without
-- opioids as negative in both trials: public.ctn0094extra, weekly opioid pattern. In CTN-0027, whose
-- list is complete, 4 % of visits have no sample, with opioids in the diary before a third: missed.)
-- Each trial's panel is that of meta_substance_groups_uds; "Opioid" there is morphine-like
-- opiates, oxycodone and propoxyphene, never methadone or buprenorphine.
panel (project, drug, item) AS (
  VALUES
  (27, 'Opioid', 'opioid'), (30, 'Opioid', 'opioid'),
  (27, 'Cocaine', 'cocaine'), (30, 'Cocaine', 'cocaine'),
  (27, 'Amphetamine', 'amphetamine'), (30, 'Amphetamine', 'amphetamine'),
  (27, 'Benzodiazepine', 'benzodiazepine'), (30, 'Benzodiazepine', 'benzodiazepine'),
  (27, 'Thc', 'cannabis'), (30, 'Thc', 'cannabis'),
  (27, 'Methadone', 'methadone'), (30, 'Methadone', 'methadone'),
  (27, 'Alcohol', 'alcohol'), (30, 'Buprenorphine', 'buprenorphine')
),
attended AS (
  SELECT who, "when" AS day
  FROM visit
  JOIN randomised USING (who)
  WHERE project = 30 AND what IN ('visit', 'final') AND "when" > index_day
),
samples AS (
  SELECT who, "when" AS day FROM uds_temp
  UNION SELECT who, "when" AS day FROM uds
  UNION SELECT who, day FROM attended
),
screens AS (
  SELECT
    who,
    CASE WHEN samples.day = index_day THEN index_day - 0.5 ELSE samples.day END AS day,
    panel.item,
    CAST(uds.what IS NOT NULL AS INTEGER) AS value
  FROM samples
  JOIN randomised USING (who)
  JOIN panel USING (project)
  LEFT JOIN uds ON uds.who = samples.who AND uds."when" = samples.day AND uds.what = panel.drug
),
-- The total leaves out methadone and buprenorphine, which are these trials' treatments.
screen_totals AS (
  SELECT who, day, '' AS item, max(value) AS value
  FROM screens
  WHERE item NOT IN ('methadone', 'buprenorphine')
  GROUP BY who, day
),

-- Diary: days of use in the 28 days before an interview. The data have days of use, not days of
-- interview, and a day without use looks like a day never asked about. What the data show (opioid
-- use of early leavers against stayers) is: everybody's diary covers the month before consent;
-- CTN-0030 asked at its weekly visits; CTN-0027 asked every four weeks, so that the days from
-- consent to week 4 are empty for who left before. Counting over those would tell who
-- stayed. Hence: one diary before consent (day 0), then one at the first sample of each week
-- (CTN-0030) or of each fourth week (CTN-0027). There is none for somebody not seen.
interviews AS (
  SELECT who, 0 AS asked_on, -0.5 AS day FROM randomised
  WHERE who IN (SELECT who FROM tlfb)
  UNION ALL
  SELECT who, min(samples.day) AS asked_on, min(samples.day) AS day
  FROM samples
  JOIN randomised USING (who)
  WHERE
    samples.day - index_day >= 7
    AND (project = 30 OR (samples.day - index_day) % 28 < 7 AND samples.day - index_day >= 28)
  GROUP BY who, floor((samples.day - index_day) / 7)
),
diary_drugs (drug, item) AS (
  VALUES
  ('Heroin', 'opioid_days'), ('Opioid', 'opioid_days'), ('Cocaine', 'cocaine_days'),
  ('Amphetamine', 'amphetamine_days'), ('Benzodiazepine', 'benzodiazepine_days'),
  ('THC', 'cannabis_days'), ('Alcohol', 'alcohol_days'), ('Methadone', 'methadone_days')
),
uses AS (
  SELECT DISTINCT who, "when" AS used_on, item FROM tlfb JOIN diary_drugs ON drug = what
),
diaries AS (
  SELECT interviews.who, day, items.item, count(used_on) AS value
  FROM interviews
  CROSS JOIN (SELECT DISTINCT item FROM diary_drugs) AS items
  LEFT JOIN uses
    ON uses.who = interviews.who AND uses.item = items.item
    AND used_on >= asked_on - 28 AND used_on < asked_on
  GROUP BY interviews.who, day, items.item
),

scores AS (
  SELECT who, day, 'uds' AS instrument, item, value FROM screens
  UNION ALL
  SELECT who, day, 'uds', item, value FROM screen_totals
  UNION ALL
  SELECT who, day, 'tlfb', item, value FROM diaries
  UNION ALL
  SELECT who, "when", 'withdrawal', '', withdrawal FROM withdrawal
  UNION ALL
  SELECT who, index_day - 0.5, 'withdrawal', '', withdrawal
  FROM withdrawal_pre_post
  JOIN randomised USING (who)
  WHERE what = 'pre' AND coalesce("when", index_day) = index_day
  UNION ALL
  SELECT
    who,
    "when",
    'pain_level',
    '',
    CASE pain
      WHEN 'No Pain' THEN 0 WHEN 'Very mild to Moderate Pain' THEN 1 WHEN 'Severe Pain' THEN 2
    END
  FROM pain
)
SELECT
  CAST(who AS VARCHAR) AS patient_id,
  CAST(day AS DOUBLE) AS day,
  instrument,
  item,
  CAST(value AS DOUBLE) AS value
FROM scores
JOIN randomised USING (who)
WHERE day <= last_day AND value IS NOT NULL
