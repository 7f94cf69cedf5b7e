-- Concepts of the source by system and code, as the catalogue names them. Ids of concepts differ
-- between releases and sites, codes do not. Concept 0 means unmapped.
WITH vocabularies AS (
  SELECT code AS vocabulary_id, means AS system
  FROM catalogue_terms
  WHERE kind = 'vocabularies' AND system = 'OMOP'
)
SELECT CAST(concept_id AS BIGINT) AS concept_id, system, concept_code AS code
FROM concept
JOIN vocabularies USING (vocabulary_id)
WHERE concept_id <> 0
