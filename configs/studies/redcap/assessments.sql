-- Scores: fields named after the catalogue, `phq9_1` for an item and `phq9_total` for a total, on
-- the instrument's own date, that of the visit, or the event's day. A score with none of them is
-- kept without a day, so that it is reported.
WITH names AS (
  SELECT
    replace(code, '.', '_') || CASE item WHEN '' THEN '_total' ELSE '' END AS field,
    instrument,
    item
  FROM catalogue_scores
  WHERE system = 'https://kappredict.example.org/fhir/CodeSystem/instrument'
)
SELECT
  record AS patient_id,
  coalesce(own.day, visit.day, entries.day) AS day,
  instrument,
  item,
  value
FROM fields
JOIN names USING (field)
JOIN entries USING (line)
LEFT JOIN days AS own ON own.line = fields.line AND own.name = instrument
LEFT JOIN days AS visit ON visit.line = fields.line AND visit.name = 'visit'
WHERE record IN (SELECT record FROM treated)
