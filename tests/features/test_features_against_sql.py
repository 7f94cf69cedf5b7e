"""The same aggregates computed once in SQL, which shares no code with them."""

import duckdb
import numpy as np
import pytest
from drawing import INSTRUMENTS, draw_study

from kappredict.data.history import History
from kappredict.domain.features import FeatureSpec, TotalFeature
from kappredict.features.build import build_features

SQL = """
WITH known AS (
    SELECT c.course_id, a.day - c.landmark_day AS day, a.value,
           a.day >= c.index_day AS since_dose
    FROM courses c JOIN assessments a USING (patient_id)
    WHERE a.instrument = '{instrument}' AND coalesce(a.item, '') = ''
      AND greatest(a.day, coalesce(a.recorded_day, a.day)) < c.landmark_day
)
SELECT course_id,
    arg_max(value, day) AS last,
    arg_min(value, day) AS first,
    CASE WHEN count(*) > 1 THEN arg_max(value, day) - arg_min(value, day) END AS change,
    CASE WHEN count(DISTINCT day) > 1 THEN 30 * regr_slope(value, day) END AS slope,
    CASE WHEN count(*) > 1 THEN stddev_samp(value) END AS variability,
    count(*) AS count,
    -max(day) AS recency,
    CASE WHEN bool_or(since_dose) AND bool_or(NOT since_dose) THEN
        arg_max(value, day) - arg_max(value, day) FILTER (WHERE NOT since_dose) END AS early_change
FROM known GROUP BY course_id
"""
AGGREGATES = (
    "last",
    "first",
    "change",
    "slope",
    "variability",
    "count",
    "recency",
    "early_change",
)


@pytest.mark.parametrize("aggregate", AGGREGATES)
@pytest.mark.parametrize("instrument", INSTRUMENTS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_aggregate_agrees_with_sql(aggregate: str, instrument: str, seed: int) -> None:
    study = draw_study(seed, patients=30)
    courses = study.courses.assign(landmark_day=study.courses["index_day"] + 10)
    recipe = TotalFeature(instrument=instrument, aggregate=aggregate)  # type: ignore[arg-type]
    spec = FeatureSpec(name="x", label="x", kind="numeric", group="x", recipe=recipe)
    found = build_features(History.cut(study, courses), [spec]).frame["x"]
    with duckdb.connect() as database:
        database.register("courses", courses)
        database.register("assessments", study.assessments)
        answer = database.execute(SQL.format(instrument=instrument)).df().set_index("course_id")
    expected = answer[aggregate].reindex(courses["course_id"]).astype(float)
    if aggregate == "count":
        expected = expected.fillna(0)
    np.testing.assert_allclose(found.to_numpy(), expected.to_numpy(), atol=1e-9)
