-- Edit: your project's codes of missing data. A cell that holds one is empty.
SELECT code FROM (VALUES ('-99'), ('-98'), ('NI'), ('UNK'), ('NASK')) AS codes (code)
