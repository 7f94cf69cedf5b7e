-- Every filled-in cell of records.csv: a line of the file, a field, its value. Blank cells (those
-- of the forms that an event does not have among them) and codes of missing data are left out.
WITH cells AS (
  UNPIVOT (SELECT row_number() OVER () AS redcap_line, CAST(COLUMNS(*) AS VARCHAR) FROM records)
  ON COLUMNS(* EXCLUDE (redcap_line)) INTO NAME field VALUE value
)
SELECT redcap_line AS line, lower(field) AS field, trim(value) AS value
FROM cells
WHERE trim(value) <> '' AND NOT EXISTS (
  SELECT 1
  FROM missing_codes
  WHERE code = trim(value) OR TRY_CAST(code AS DOUBLE) = TRY_CAST(value AS DOUBLE)
)
