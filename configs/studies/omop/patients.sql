-- People with a course. The site is where the first dose was given, or else the person's own; where
-- the birth's month and day are not known it is taken to be in the middle of the year.
SELECT
  CAST(person_id AS VARCHAR) AS patient_id,
  coalesce(
    CAST(visit_occurrence.care_site_id AS VARCHAR), CAST(person.care_site_id AS VARCHAR)
  ) AS site,
  CASE gender.concept_code WHEN 'F' THEN 'female' WHEN 'M' THEN 'male' ELSE 'unknown' END AS sex,
  floor((
    day_zero - make_date(
      CAST(year_of_birth AS INTEGER),
      coalesce(CAST(month_of_birth AS INTEGER), 7),
      coalesce(CAST(day_of_birth AS INTEGER), 1)
    )
  ) / 365.25) AS age,
  day_zero AS enrolled_on
FROM people
JOIN person USING (person_id)
LEFT JOIN visit_occurrence ON visit_occurrence.visit_occurrence_id = people.visit_occurrence_id
LEFT JOIN concept AS gender
  ON gender.concept_id = gender_concept_id AND gender.vocabulary_id = 'Gender'
