-- Scores, which the vocabularies place among observations and some sites among measurements: by the
-- LOINC code of a total or an item, or by a site's own concept (vocabulary `kappredict`, code
-- `madrs` or `madrs.1`). An item may be answered by one of LOINC's answers. A value with a unit
-- of something else, such as a percentage, is no score.
-- A score of the day of a dose came before it where both have a time that says so, and is then half
-- a day back; what cannot be told apart keeps its day. Of several scores of a day the last counts.
WITH scores AS (
  SELECT concept_id, instrument, item FROM codes JOIN catalogue_scores USING (system, code)
),
answers AS (
  SELECT concept_id, means FROM meanings WHERE kind = 'answers'
),
units AS (
  SELECT concept_id, concept_code AS unit FROM concept WHERE vocabulary_id = 'UCUM'
),
recorded AS (
  SELECT
    person_id,
    observation_concept_id AS concept_id,
    CAST(observation_date AS DATE) AS taken_on,
    CAST(observation_datetime AS TIMESTAMP) AS taken,
    CAST(value_as_number AS VARCHAR) AS number,
    CAST(value_as_concept_id AS BIGINT) AS answer_id,
    CAST(unit_concept_id AS BIGINT) AS unit_id,
    observation_id AS row_id
  FROM observation
  UNION ALL
  SELECT
    person_id,
    measurement_concept_id,
    CAST(measurement_date AS DATE),
    CAST(measurement_datetime AS TIMESTAMP),
    CAST(value_as_number AS VARCHAR),
    CAST(value_as_concept_id AS BIGINT),
    CAST(unit_concept_id AS BIGINT),
    measurement_id
  FROM measurement
),
valued AS (
  SELECT
    recorded.*,
    instrument,
    item,
    coalesce(number, answers.means) AS value,
    nullif(CAST(taken AS TIME), TIME '00:00:00') AS taken_at
  FROM recorded
  JOIN scores USING (concept_id)
  LEFT JOIN answers ON answers.concept_id = answer_id
  LEFT JOIN units ON units.concept_id = unit_id
  WHERE unit IS NULL OR unit LIKE '{%}' OR unit IN ('1', 'd')
),
placed AS (
  SELECT
    valued.*,
    taken_on - day_zero - CASE WHEN taken_at < given_at THEN 0.5 ELSE 0 END AS day,
    last_day
  FROM valued
  JOIN people USING (person_id)
  LEFT JOIN doses ON doses.person_id = valued.person_id AND given_on = taken_on
)
SELECT CAST(person_id AS VARCHAR) AS patient_id, day, instrument, item, value
FROM placed
WHERE value IS NOT NULL AND day <= last_day
QUALIFY row_number() OVER (
  PARTITION BY person_id, day, instrument, item ORDER BY taken_at DESC NULLS LAST, row_id DESC
) = 1
