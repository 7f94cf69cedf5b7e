-- Courses: each treatment with ketamine, for each condition diagnosed in the year up to its first
-- day, inside a period of observation. Day zero is the first day of the person's first course.
-- Observation ends with the period, with death, or half a day before the next treatment.
WITH treatments AS (
  SELECT
    person_id,
    treatment,
    min(given_on) AS first_on,
    arg_min(visit_occurrence_id, given_on) AS visit_occurrence_id,
    lead(min(given_on)) OVER (PARTITION BY person_id ORDER BY treatment) AS next_on
  FROM doses
  GROUP BY person_id, treatment
),
observed AS (
  SELECT person_id, treatment, max(CAST(observation_period_end_date AS DATE)) AS observed_to
  FROM treatments
  JOIN observation_period USING (person_id)
  WHERE first_on BETWEEN observation_period_start_date AND observation_period_end_date
  GROUP BY person_id, treatment
),
deaths AS (
  SELECT person_id, min(CAST(death_date AS DATE)) AS died_on FROM death GROUP BY person_id
),
conditions AS (
  SELECT DISTINCT person_id, treatment, condition
  FROM treatments
  JOIN diagnoses USING (person_id)
  WHERE diagnosed_on BETWEEN first_on - 365 AND first_on
),
counted AS (
  SELECT *, min(first_on) OVER (PARTITION BY person_id) AS day_zero
  FROM treatments
  JOIN conditions USING (person_id, treatment)
  JOIN observed USING (person_id, treatment)
  LEFT JOIN deaths USING (person_id)
)
SELECT
  concat_ws('-', person_id, condition, treatment) AS course_id,
  person_id,
  treatment,
  condition,
  day_zero,
  first_on - day_zero AS index_day,
  least(observed_to - day_zero, died_on - day_zero, next_on - day_zero - 0.5) AS last_day,
  visit_occurrence_id
FROM counted
