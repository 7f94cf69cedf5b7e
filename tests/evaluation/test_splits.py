"""Split schemes: apart by patient, each tested once, and a reason where there are none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kappredict.evaluation.splits import (
    SchemeFolds,
    leave_group_out,
    random_cv,
    temporal,
)

seeds = st.integers(0, 10_000)
N = 120


def draw(seed: int, sites: int = 6):
    """Courses of patients who may come back, to another site and later."""
    rng = np.random.default_rng(seed)
    patients = np.array([f"p{number}" for number in rng.integers(0, 80, N)], dtype=object)
    strata = (rng.random(N) < 0.4).astype(int)
    site = np.array([f"site {number}" for number in rng.integers(0, sites, N)], dtype=object)
    enrolled = np.datetime64("2024-01-01") + rng.integers(0, 400, N).astype("timedelta64[D]")
    return strata, patients, site, enrolled


def schemes(seed: int) -> dict[str, SchemeFolds]:
    strata, patients, sites, enrolled = draw(seed)
    return {
        "random_cv": random_cv(strata, patients, 5, 2, seed),
        "leave_group_out": leave_group_out(strata, sites, patients, 10, "sites"),
        "merged sites": leave_group_out(strata, sites, patients, 3, "sites"),
        "temporal": temporal(strata, enrolled, patients, 0.3),
    }


@given(seed=seeds)
def test_no_patient_is_on_both_sides(seed: int) -> None:
    patients = draw(seed)[1]
    for name, planned in schemes(seed).items():
        assert planned.folds, name
        for fold in planned.folds:
            assert not set(patients[fold.train]) & set(patients[fold.test]), name


@given(seed=seeds)
def test_every_row_is_tested_once_a_repeat(seed: int) -> None:
    for name, planned in schemes(seed).items():
        for repeat in {fold.repeat for fold in planned.folds}:
            tested = np.concatenate([f.test for f in planned.folds if f.repeat == repeat])
            assert len(np.unique(tested)) == len(tested)
            assert name == "temporal" or len(tested) == N


@given(seed=seeds)
def test_no_site_is_on_both_sides(seed: int) -> None:
    sites = draw(seed)[2]
    for name in ("leave_group_out", "merged sites"):
        for fold in schemes(seed)[name].folds:
            assert not set(sites[fold.train]) & set(sites[fold.test])


@given(seed=seeds)
def test_what_is_tested_enrolled_after_all_that_is_learnt_from(seed: int) -> None:
    enrolled = draw(seed)[3]
    (fold,) = schemes(seed)["temporal"].folds
    assert enrolled[fold.train].max() < enrolled[fold.test].min()
    assert len(fold.test) >= 0.3 * N


@given(seed=seeds)
def test_a_seed_gives_the_same_folds(seed: int) -> None:
    for first, second in zip(schemes(seed).values(), schemes(seed).values(), strict=True):
        for one, other in zip(first.folds, second.folds, strict=True):
            assert (one.train == other.train).all()
            assert (one.test == other.test).all()


def test_repeats_differ() -> None:
    strata, patients, *_ = draw(1)
    first, *_, last = random_cv(strata, patients, 5, 2, 1).folds
    assert (first.repeat, last.repeat) == (0, 1)
    assert not np.array_equal(first.test, last.test)


def test_folds_are_balanced_on_the_outcome() -> None:
    strata = (np.arange(200) % 4 == 0).astype(int)
    planned = random_cv(strata, np.arange(200), 5, 1, 1)
    assert {int(strata[fold.test].sum()) for fold in planned.folds} == {10}


def test_a_rare_outcome_has_fewer_folds() -> None:
    strata = (np.arange(50) < 3).astype(int)
    assert len(random_cv(strata, np.arange(50), 5, 1, 1).folds) == 3


def test_each_site_is_a_fold_of_its_own_where_there_are_few() -> None:
    strata, patients, sites, _ = draw(1)
    planned = leave_group_out(strata, sites, patients, 10, "sites")
    assert [len(set(sites[fold.test])) for fold in planned.folds] == [1] * 6


def test_many_sites_share_folds() -> None:
    strata, patients, sites, _ = draw(1, sites=25)
    assert len(leave_group_out(strata, sites, patients, 10, "sites").folds) == 10


def test_rows_without_a_site_are_learnt_from_and_never_tested() -> None:
    strata, _, sites, _ = draw(1)
    sites[:10] = np.nan
    planned = leave_group_out(strata, sites, np.arange(N), 10, "sites")
    assert planned.reason == "10 rows are of none of the sites"
    for fold in planned.folds:
        assert set(range(10)) <= set(fold.train)
        assert not set(range(10)) & set(fold.test)


def test_rows_without_a_date_are_on_neither_side() -> None:
    strata, patients, _, enrolled = draw(1)
    enrolled[:10] = np.datetime64("NaT")
    planned = temporal(strata, enrolled, patients, 0.3)
    (fold,) = planned.folds
    assert planned.reason == "10 rows have no enrolment date"
    assert not set(range(10)) & (set(fold.train) | set(fold.test))


def test_a_first_day_with_most_of_the_rows_is_learnt_from() -> None:
    strata, *_ = draw(1)
    enrolled = np.where(np.arange(N) < 110, "2024-01-01", "2024-06-01").astype("datetime64[D]")
    (fold,) = temporal(strata, enrolled, np.arange(N), 0.3).folds
    assert fold.test.tolist() == list(range(110, N))


STRATA, EVERYONE, HALVES = draw(1)[0], np.arange(N), np.arange(N) // 60
ONE_SITE = np.full(N, "only", dtype=object)
NO_DATE = np.full(N, np.datetime64("NaT", "D"))
REFUSED = {
    "one site": (
        leave_group_out(STRATA, ONE_SITE, EVERYONE, 9, "sites"),
        "this needs at least 2 sites, and there are 1",
    ),
    "no dates": (temporal(STRATA, NO_DATE, EVERYONE, 0.3), "enrolment dates are not known"),
    "one event": (random_cv(EVERYONE < 1, EVERYONE, 5, 1, 1), "has 1 patients, of at least 2"),
    "all events at one site": (
        leave_group_out(HALVES, HALVES, EVERYONE, 9, "sites"),
        "2 of 2 folds leave fewer than 2 courses",
    ),
}


@pytest.mark.parametrize(("planned", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_the_data_do_not_allow_has_no_folds_and_a_reason(
    planned: SchemeFolds, reason: str
) -> None:
    assert planned.folds == ()
    assert reason in planned.reason


def test_a_site_with_nearly_all_outcomes_cannot_be_left_out_and_that_is_said() -> None:
    sites = (np.arange(N) // 40).astype(object)
    strata = (np.arange(N) < 20).astype(int)
    strata[-1] = 1
    planned = leave_group_out(strata, sites, np.arange(N), 9, "sites")
    assert len(planned.folds) == 2
    assert planned.reason.startswith("1 of 3 folds leave fewer than 2 courses")
