-- Each day with ketamine is a dosing session of its treatment's courses. Weight at each dose is not
-- looked for, so the dose per kilogram is not known.
SELECT course_id, given_on - day_zero AS day, 'dosing' AS kind, route, minutes
FROM treated
JOIN doses USING (person_id, treatment)
WHERE given_on - day_zero <= last_day
