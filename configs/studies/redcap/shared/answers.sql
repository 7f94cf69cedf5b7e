-- Each record's first answer to each field: what is asked once, such as sex and planned treatment.
SELECT record, field, arg_min(value, line) AS value
FROM fields
JOIN entries USING (line)
GROUP BY record, field
