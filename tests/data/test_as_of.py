"""A study as it stood on a day holds what was known by then, and nothing of what came after."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from kappredict.config.catalogue import Catalogue
from kappredict.data.as_of import as_of, began_on, require_dates
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.study import Study
from kappredict.data.validation import load_study
from kappredict.data.writers import write_study
from kappredict.errors import DataError

DATE = pd.Timestamp("2023-07-01")


@pytest.fixture(scope="module")
def study() -> Study:
    return simulate(load_parameters(), patients=300, seed=11, conditions=("depression",)).study


@pytest.fixture(scope="module")
def then(study: Study) -> Study:
    return as_of(study, DATE)


def dates_of(study: Study, table: str, *days: str) -> pd.Series:
    """Give the calendar moment at which each row was known."""
    rows = study.tables[table]
    if "patient_id" not in rows:
        rows = rows.merge(study.courses[["course_id", "patient_id"]], on="course_id")
    enrolled = rows["patient_id"].map(study.patients.set_index("patient_id")["enrolled_on"])
    return enrolled + pd.to_timedelta(rows[list(days)].max(axis=1), unit="D")


@pytest.mark.parametrize(
    ("table", "days"),
    [
        ("courses", ["index_day"]),
        ("assessments", ["day", "recorded_day"]),
        ("sessions", ["day"]),
        ("history", ["start_day", "recorded_day"]),
    ],
)
def test_no_row_was_known_on_the_day_or_later(then: Study, table: str, days: list[str]) -> None:
    assert len(then.tables[table])
    assert not (dates_of(then, table, *days) >= DATE).any()


def test_what_was_known_is_all_there(study: Study, then: Study) -> None:
    known = (dates_of(study, "assessments", "day", "recorded_day") < DATE).sum()
    assert len(then.assessments) == known
    assert len(then.courses) == (began_on(study) < DATE).sum()


def test_a_course_was_under_observation_until_the_day(study: Study, then: Study) -> None:
    enrolled = then.courses["patient_id"].map(then.patients.set_index("patient_id")["enrolled_on"])
    last = enrolled + pd.to_timedelta(then.courses["last_day"], unit="D")
    assert (last <= DATE).all()
    longer = study.courses.set_index("course_id")["last_day"].loc[then.courses["course_id"]]
    assert (then.courses["last_day"].to_numpy() <= longer.to_numpy()).all()


def test_what_comes_later_changes_nothing_of_what_was_known(study: Study, then: Study) -> None:
    late = dates_of(study, "assessments", "day", "recorded_day") >= DATE
    rng = np.random.default_rng(4)
    changed = study.assessments.assign(
        value=study.assessments["value"].mask(late, rng.integers(0, 20, len(late)).astype(float))
    )
    other = Study.of(study.definition, {**study.tables, "assessments": changed})
    for name, table in as_of(other, DATE).tables.items():
        assert_frame_equal(table, then.tables[name])


def test_it_is_a_sound_study(then: Study, catalogue: Catalogue, tmp_path: Path) -> None:
    write_study(then, tmp_path)
    assert load_study(tmp_path, catalogue).digest == then.digest


def test_before_the_first_enrolment_there_is_nothing(study: Study) -> None:
    empty = as_of(study, pd.Timestamp("2000-01-01"))
    assert not any(len(table) for table in empty.tables.values())


def test_a_study_without_dates_cannot_be_replayed(study: Study) -> None:
    patients = study.patients.assign(enrolled_on=pd.NaT)
    with pytest.raises(DataError, match="enrolled_on is empty"):
        require_dates(Study.of(study.definition, {**study.tables, "patients": patients}))
