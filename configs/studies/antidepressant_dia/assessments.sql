-- The baseline HAM-D (BASVAL, repeated on each visit's row) is half a day before day 0. CHANGE is
-- left out: it is the difference of the two. The HAM-A has no baseline in the source.
SELECT DISTINCT
  CAST(PATIENT AS VARCHAR) AS patient_id,
  -0.5 AS day,
  'hamd17' AS instrument,
  '' AS item,
  BASVAL AS value
FROM antidepressant_dia
UNION ALL
SELECT CAST(PATIENT AS VARCHAR), RELDAYS, 'hamd17', '', HAMDTL17
FROM antidepressant_dia
WHERE HAMDTL17 IS NOT NULL
UNION ALL
SELECT CAST(PATIENT AS VARCHAR), RELDAYS, 'hama', '', HAMATOTL
FROM antidepressant_dia
WHERE HAMATOTL IS NOT NULL
