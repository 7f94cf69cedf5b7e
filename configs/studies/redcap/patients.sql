-- Records with a dosing session and a condition. `sex` is coded female, male, other or unknown; the
-- age is that of `age`, or follows from `birth_date`; the site is the data access group unless
-- there is a `site`.
SELECT
  record AS patient_id,
  coalesce(
    max(value) FILTER (field = 'site'), max(value) FILTER (field = 'redcap_data_access_group')
  ) AS site,
  max(value) FILTER (field = 'sex') AS sex,
  coalesce(max(value) FILTER (field = 'age'), CAST(max(floor(-day / 365.25)) AS VARCHAR)) AS age,
  max(value) FILTER (field = 'consent_date') AS enrolled_on
FROM answers
LEFT JOIN (
  SELECT record, days.whole_day AS day FROM days JOIN entries USING (line) WHERE name = 'birth'
) AS births USING (record)
WHERE record IN (SELECT record FROM treated)
GROUP BY record
