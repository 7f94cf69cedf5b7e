-- Days on which one of the catalogue's conditions was diagnosed: by the standard concept, which is
-- the condition's SNOMED concept or a descendant of it, or by the source's own ICD-10 code.
WITH conditions AS (
  SELECT concept_id, condition FROM catalogue_conditions JOIN codes USING (system, code)
  UNION
  SELECT CAST(descendant_concept_id AS BIGINT), condition
  FROM catalogue_conditions
  JOIN codes USING (system, code)
  JOIN concept_ancestor ON ancestor_concept_id = concept_id
  UNION
  SELECT concept_id, condition
  FROM catalogue_conditions AS icd
  JOIN codes ON codes.system = icd.system AND starts_with(codes.code, icd.code)
  WHERE icd.system LIKE '%icd-10%'
),
coded AS (
  SELECT CAST(condition_concept_id AS BIGINT) AS concept_id, * FROM condition_occurrence
  UNION ALL
  SELECT CAST(condition_source_concept_id AS BIGINT) AS concept_id, * FROM condition_occurrence
)
SELECT DISTINCT
  person_id,
  condition,
  CAST(condition_start_date AS DATE) AS diagnosed_on,
  CAST(visit_occurrence_id AS BIGINT) AS visit_occurrence_id
FROM coded
JOIN conditions USING (concept_id)
