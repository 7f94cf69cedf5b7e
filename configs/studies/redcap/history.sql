-- Facts in two forms. A line with `medication_code` (or diagnosis_, substance_, procedure_,
-- family_, event_) is one, with `medication_date`, `medication_end_date`, `medication_outcome` and
-- `medication_value` where there are; it was recorded at the visit. Ticked boxes such as
-- `diagnosis___ptsd` are facts of before treatment: the first answer counts. A box that is not
-- ticked is a no only if another of its line is, `diagnosis___none` for instance, since REDCap
-- writes 0 for forms that nobody opened.
WITH kinds AS (
  SELECT kind
  FROM (
    VALUES
    ('diagnosis'), ('medication'), ('substance'), ('procedure'), ('family'), ('event')
  ) AS kinds (kind)
),
lines AS (
  SELECT visits.*, kind, code.value AS code, outcome.value AS outcome, amount.value AS value
  FROM kinds
  JOIN fields AS code ON code.field = kind || '_code'
  JOIN visits USING (line)
  LEFT JOIN fields AS outcome ON outcome.line = code.line AND outcome.field = kind || '_outcome'
  LEFT JOIN fields AS amount ON amount.line = code.line AND amount.field = kind || '_value'
),
boxes AS (
  SELECT visits.*, kind, field[len(kind) + 4:] AS code, value, bool_or(value = '1') OVER (
    PARTITION BY line, kind
  ) AS answered
  FROM kinds
  JOIN fields ON starts_with(field, kind || '___')
  JOIN visits USING (line)
)
SELECT
  record AS patient_id,
  kind,
  code,
  starts.day AS start_day,
  ends.day AS end_day,
  outcome,
  value,
  greatest(lines.day, starts.day) AS recorded_day
FROM lines
LEFT JOIN days AS starts ON starts.line = lines.line AND starts.name = kind
LEFT JOIN days AS ends ON ends.line = lines.line AND ends.name = kind || '_end'
WHERE record IN (SELECT record FROM treated)
UNION ALL
SELECT record, kind, code, NULL, NULL, NULL, value, day
FROM boxes
WHERE
  answered
  AND code <> 'none'
  AND code NOT IN (SELECT lower(missing_codes.code) FROM missing_codes)
  AND record IN (SELECT record FROM treated)
QUALIFY row_number() OVER (PARTITION BY record, kind, code ORDER BY day, value) = 1
