-- One row a person; POOLINV, the pooled investigator, is the site.
SELECT DISTINCT
  CAST(PATIENT AS VARCHAR) AS patient_id,
  CAST(POOLINV AS VARCHAR) AS site,
  CASE GENDER WHEN 'F' THEN 'female' WHEN 'M' THEN 'male' END AS sex
FROM antidepressant_dia
