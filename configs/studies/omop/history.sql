-- Diagnoses by the source's own ICD-10 code and by what the catalogue's terms call them, or else by
-- the standard code; medicines by their ATC code of the fifth level (seven characters), ketamine
-- left out, whose doses are sessions; procedures by their code. Events are suicide attempts,
-- deaths, and stays in hospital (visits `IP`, `ERIP`) with one of the catalogue's conditions.
-- Facts of the day of a dose keep their day: before or after it cannot be told.
WITH ketamine AS (
  SELECT concept_id FROM meanings WHERE means = 'ketamine'
),
icd AS (
  SELECT concept_id, code FROM codes WHERE system LIKE '%icd-10%'
),
conditions AS (
  SELECT
    person_id,
    CAST(condition_concept_id AS BIGINT) AS concept_id,
    CAST(condition_source_concept_id AS BIGINT) AS source_id,
    CAST(condition_start_date AS DATE) AS started,
    CAST(condition_end_date AS DATE) AS ended
  FROM condition_occurrence
),
drugs AS (
  SELECT
    person_id,
    CAST(drug_concept_id AS BIGINT) AS concept_id,
    CAST(drug_exposure_start_date AS DATE) AS started,
    CAST(drug_exposure_end_date AS DATE) AS ended
  FROM drug_exposure
  WHERE CAST(drug_concept_id AS BIGINT) NOT IN (SELECT concept_id FROM ketamine)
),
named AS (
  SELECT
    concept_id, CASE kind WHEN 'diagnoses' THEN 'diagnosis' ELSE 'event' END AS kind, means AS code
  FROM meanings
  WHERE kind IN ('diagnoses', 'events')
),
stays AS (
  SELECT
    person_id,
    CAST(visit_start_date AS DATE) AS started,
    CAST(visit_end_date AS DATE) AS ended
  FROM visit_occurrence
  JOIN concept ON concept_id = visit_concept_id AND vocabulary_id = 'Visit'
  WHERE
    concept_code IN ('IP', 'ERIP')
    AND CAST(visit_occurrence_id AS BIGINT) IN (SELECT visit_occurrence_id FROM diagnoses)
),
facts AS (
  SELECT person_id, kind, code, started, ended FROM conditions JOIN named USING (concept_id)
  UNION ALL
  SELECT person_id, 'diagnosis', code, started, ended
  FROM conditions
  JOIN icd ON icd.concept_id = source_id
  UNION ALL
  SELECT person_id, 'diagnosis', code, started, ended
  FROM conditions
  JOIN codes USING (concept_id)
  WHERE
    concept_id NOT IN (SELECT concept_id FROM named)
    AND coalesce(source_id, 0) NOT IN (SELECT concept_id FROM icd)
  UNION ALL
  SELECT person_id, 'medication', code, started, ended
  FROM drugs
  JOIN concept_ancestor ON descendant_concept_id = drugs.concept_id
  JOIN codes ON codes.concept_id = ancestor_concept_id
  WHERE system = 'http://www.whocc.no/atc' AND len(code) = 7
  UNION ALL
  SELECT person_id, 'procedure', concept_code, CAST(procedure_date AS DATE), NULL
  FROM procedure_occurrence
  JOIN concept ON concept_id = procedure_concept_id
  WHERE
    concept_id <> 0
    AND CAST(concept_id AS BIGINT) NOT IN (SELECT concept_id FROM ketamine)
  UNION ALL
  SELECT person_id, 'event', 'psychiatric_admission', started, ended FROM stays
  UNION ALL
  SELECT person_id, 'event', 'death', CAST(death_date AS DATE), NULL FROM death
)
SELECT
  CAST(person_id AS VARCHAR) AS patient_id,
  kind,
  code,
  started - day_zero AS start_day,
  max(ended) - day_zero AS end_day
FROM facts
JOIN people USING (person_id)
GROUP BY person_id, kind, code, started, day_zero
