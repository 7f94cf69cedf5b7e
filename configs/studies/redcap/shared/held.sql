-- Sessions: lines with a `session_kind`, on their own date, that of the visit, or the event's day.
-- No dose lies before itself, so its day is the whole one.
SELECT
  fields.line,
  record,
  event,
  value AS kind,
  CASE kind
    WHEN 'dosing' THEN coalesce(own.whole_day, visit.whole_day, entries.day)
    ELSE coalesce(own.day, visit.day, entries.day)
  END AS day
FROM fields
JOIN entries USING (line)
LEFT JOIN days AS own ON own.line = fields.line AND own.name = 'session'
LEFT JOIN days AS visit ON visit.line = fields.line AND visit.name = 'visit'
WHERE field = 'session_kind'
