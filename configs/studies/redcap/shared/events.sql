-- Edit: your project's events. `day` places what has no date of its own (leave it NULL where dates
-- were exported; before the first dose it is negative, -0.5 for instance). `before_dose` says that
-- what was recorded in this event, on the day of a dose, came before the dose, and so may be used
-- at baseline.
SELECT event, CAST(day AS DOUBLE) AS day, before_dose
FROM (
  VALUES
  ('screening_arm_1', NULL, TRUE),
  ('baseline_arm_1', NULL, TRUE),
  ('dosing_arm_1', NULL, FALSE),
  ('week_4_arm_1', NULL, FALSE)
) AS events (event, day, before_dose)
