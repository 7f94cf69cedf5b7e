-- What concepts mean by the catalogue's terms: those with a code of its own, and their descendants.
WITH meant AS (
  SELECT concept_id, kind, means FROM codes JOIN catalogue_terms USING (system, code)
)
SELECT concept_id, kind, means FROM meant
UNION
SELECT CAST(descendant_concept_id AS BIGINT), kind, means
FROM meant
JOIN concept_ancestor ON ancestor_concept_id = concept_id
