-- Each record's first answer to each field: what is asked once, such as sex and planned treatment.
SELECT record, field, arg_min(value, (day, value)) AS value
FROM fields
JOIN visits USING (line)
GROUP BY record, field
