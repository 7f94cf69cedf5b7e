"""The as-of rule: a feature is a function of what was known strictly before its landmark."""

import numpy as np
import pandas as pd
import pytest
from drawing import draw_study, specs
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from kappredict.data.history import History
from kappredict.data.study import Study
from kappredict.features.build import build_features

DAYS = {"assessments": "day", "sessions": "day", "history": "start_day"}
KEYS = {"assessments": "patient_id", "sessions": "course_id", "history": "patient_id"}
seeds = st.integers(0, 10_000)


def _courses(study: Study, after: float) -> pd.DataFrame:
    courses = study.courses.merge(study.patients, on="patient_id")
    return courses.assign(landmark_day=courses["index_day"] + after)


def _known_from_last_landmark(study: Study, courses: pd.DataFrame, table: str) -> pd.Series:
    """Find the rows that no course of their patient may see."""
    rows = study.tables[table]
    known = rows[[DAYS[table], *({"recorded_day"} & set(rows.columns))]].max(axis=1)
    last = courses.groupby(KEYS[table])["landmark_day"].max()
    return known >= rows[KEYS[table]].map(last)


def _scramble(study: Study, courses: pd.DataFrame, seed: int) -> Study:
    """Change, delete and add rows that were known from the landmark on."""
    rng = np.random.default_rng(seed)
    changed = {}
    for table, day in DAYS.items():
        rows = study.tables[table]
        future = _known_from_last_landmark(study, courses, table)
        tail = rows[future]
        tail = tail[rng.random(len(tail)) < 0.5]
        number = "dose_mg_per_kg" if table == "sessions" else "value"
        tail = tail.assign(**{number: rng.random(len(tail)) * 20})
        extra = tail.assign(**{day: tail[day] + rng.integers(1, 50, len(tail))})
        if table != "history":  # a fact with no day lies long before everything
            extra = extra.dropna(subset=[day])
        changed[table] = pd.concat([rows[~future], tail, extra])
    return Study.of(study.definition, {**study.tables, **changed})


@given(seed=seeds, after=st.sampled_from([0.0, 3.0, 12.5]))
def test_what_is_known_from_the_landmark_on_changes_no_feature(seed: int, after: float) -> None:
    study = draw_study(seed)
    courses = _courses(study, after)
    features = build_features(History.cut(study, courses), specs()).frame
    scrambled = _scramble(study, courses, seed + 1)
    assert_frame_equal(build_features(History.cut(scrambled, courses), specs()).frame, features)


@given(seed=seeds)
def test_what_was_known_before_does_change_features(seed: int) -> None:
    # The law above would hold of features that read nothing.
    study = draw_study(seed)
    courses = _courses(study, 12.5)
    before = build_features(History.cut(study, courses), specs()).frame
    moved = study.assessments.assign(value=study.assessments["value"] + 1)
    changed = Study.of(study.definition, {**study.tables, "assessments": moved})
    after = build_features(History.cut(changed, courses), specs()).frame
    assert not after.equals(before)


def test_a_score_entered_after_the_landmark_is_not_seen() -> None:
    study = draw_study(1, patients=1)
    row = {"patient_id": "p0", "day": 1.0, "instrument": "mood", "item": "", "value": 27.0}
    late = pd.DataFrame([row | {"recorded_day": 40.0}])
    study = Study.of(study.definition, {**study.tables, "assessments": late})
    courses = _courses(study, 0.0)
    assert not len(History.cut(study, courses).assessments.numbers["value"])


def test_a_score_on_the_very_moment_of_the_landmark_is_not_seen() -> None:
    study = draw_study(1, patients=1)
    index_day = study.courses["index_day"].iloc[0]
    rows = pd.DataFrame(
        {
            "patient_id": "p0",
            "day": [index_day - 0.5, index_day],
            "instrument": "mood",
            "item": "",
            "value": [10.0, 20.0],
        }
    )
    study = Study.of(study.definition, {**study.tables, "assessments": rows})
    first = _courses(study, 0.0).query("index_day == @index_day").head(1)
    assert History.cut(study, first).assessments.numbers["value"].tolist() == [10.0]


def test_a_history_with_a_row_from_the_future_cannot_be_built() -> None:
    study = draw_study(3)
    history = History.cut(study, _courses(study, 5.0))
    now = np.zeros(len(history.assessments.numbers["row"]))
    ahead = history.assessments.with_numbers(known_day=now)
    with pytest.raises(ValueError, match="known at or after the landmark"):
        History(history.courses, ahead, history.sessions, history.facts)


def test_the_last_day_under_observation_is_no_part_of_the_past() -> None:
    study = draw_study(3)
    assert "last_day" not in History.cut(study, _courses(study, 5.0)).courses.numbers


@given(seed=seeds)
def test_the_order_of_rows_changes_no_feature(seed: int) -> None:
    study = draw_study(seed)
    courses = _courses(study, 7.0)
    shuffled = {name: rows.sample(frac=1, random_state=seed) for name, rows in study.tables.items()}
    other = Study.of(study.definition, shuffled)
    assert_frame_equal(
        build_features(History.cut(other, courses), specs()).frame,
        build_features(History.cut(study, courses), specs()).frame,
    )


@given(seed=seeds)
def test_one_course_alone_gets_the_features_it_gets_among_others(seed: int) -> None:
    study = draw_study(seed)
    courses = _courses(study, 7.0)
    together = build_features(History.cut(study, courses), specs()).frame
    for place in range(len(courses)):
        alone = courses.iloc[[place]].reset_index(drop=True)
        one = build_features(History.cut(study, alone), specs()).frame
        assert_frame_equal(one, together.iloc[[place]].reset_index(drop=True))
