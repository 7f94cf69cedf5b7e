-- Days with ketamine, numbered by treatment: a dose more than 90 days after the one before begins a
-- new treatment (an assumption). Ketamine is what the catalogue's terms say, as an exposure to
-- a drug or as a procedure. A prescription looks like an exposure, and anaesthesia like a dose:
-- where your source has either, leave them out here. Midnight is how the CDM writes an unknown
-- time; the day's first time counts, if all of the day's rows have one.
WITH ketamine AS (
  SELECT DISTINCT concept_id
  FROM meanings
  WHERE kind IN ('medications', 'procedures') AND means = 'ketamine'
),
routes AS (
  SELECT concept_id, means AS route FROM meanings WHERE kind = 'routes'
),
given AS (
  SELECT
    person_id,
    CAST(drug_concept_id AS BIGINT) AS concept_id,
    CAST(drug_exposure_start_date AS DATE) AS given_on,
    CAST(drug_exposure_start_datetime AS TIMESTAMP) AS started,
    CAST(drug_exposure_end_datetime AS TIMESTAMP) AS ended,
    CAST(route_concept_id AS BIGINT) AS route_id,
    CAST(visit_occurrence_id AS BIGINT) AS visit_occurrence_id
  FROM drug_exposure
  UNION ALL
  SELECT
    person_id,
    CAST(procedure_concept_id AS BIGINT),
    CAST(procedure_date AS DATE),
    CAST(procedure_datetime AS TIMESTAMP),
    NULL,
    NULL,
    CAST(visit_occurrence_id AS BIGINT)
  FROM procedure_occurrence
),
timed AS (
  SELECT
    given.*,
    route,
    nullif(CAST(started AS TIME), TIME '00:00:00') AS start_time,
    nullif(CAST(ended AS TIME), TIME '00:00:00') AS end_time
  FROM given
  JOIN ketamine USING (concept_id)
  LEFT JOIN routes ON routes.concept_id = route_id
),
by_day AS (
  SELECT
    person_id,
    given_on,
    CASE WHEN count(start_time) = count(*) THEN min(start_time) END AS given_at,
    min(route) AS route,
    max(date_diff('minute', started, ended)) FILTER (
      CAST(ended AS DATE) = given_on AND end_time > start_time
    ) AS minutes,
    min(visit_occurrence_id) AS visit_occurrence_id
  FROM timed
  GROUP BY person_id, given_on
),
spaced AS (
  SELECT *, given_on - lag(given_on) OVER (PARTITION BY person_id ORDER BY given_on) AS days_since
  FROM by_day
)
SELECT
  * EXCLUDE (days_since),
  1 + count(*) FILTER (days_since > 90) OVER (PARTITION BY person_id ORDER BY given_on) AS treatment
FROM spaced
