-- The day of each line as a whole: that of the visit, or else the event's.
SELECT entries.line, record, coalesce(days.day, entries.day) AS day
FROM entries
LEFT JOIN days ON days.line = entries.line AND name = 'visit'
