"""Laws of calibrated answers."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import expit

from kappredict.estimators.calibration import (
    Answers,
    LogitCalibration,
    recalibrate,
)
from kappredict.estimators.hazard import Baseline, HazardCalibration

seeds = st.integers(0, 1000)
OLD = LogitCalibration(-0.4, 1.3)
CONSTANT, NEVER = Baseline((1.0,), (1.0,)), Baseline((1.0,), (0.0,))
OLD_TIMES = HazardCalibration(5.0, 0.8, CONSTANT, NEVER)
DAYS = np.array([15.0, 30.0, 60.0, 90.0, 180.0])
WAYS = ("intercept", "intercept_and_slope", "chosen")


def responses(n: int, level: float, stretch: float, seed: int = 0):
    """Margins, and outcomes whose log-odds are those of `OLD`, moved and stretched."""
    rng = np.random.default_rng(seed)
    margins = rng.normal(0, 0.8, n)
    return margins, (rng.random(n) < expit(level + stretch * OLD.margin(margins))).astype(float)


def waits(n: int, level: float, stretch: float, seed: int = 0):
    """Margins, and times whose logarithms are those of `OLD_TIMES`, moved and stretched."""
    rng = np.random.default_rng(seed)
    margins = rng.normal(0, 0.8, n)
    noise = np.log(rng.exponential(size=n))
    return margins, np.exp(level + stretch * OLD_TIMES.margin(margins) + noise)


def refit(margins, outcome, way, weights=None) -> LogitCalibration:
    weights = np.ones(len(margins)) if weights is None else weights
    answers = Answers(np.empty(0), outcome[:, None] == 1, weights[:, None])
    return recalibrate(OLD, margins, answers, way)


def refit_times(margins, times, way) -> HazardCalibration:
    well = times[:, None] > DAYS
    return recalibrate(OLD_TIMES, margins, Answers(DAYS, well, np.ones(well.shape)), way)


@given(seed=seeds)
def test_the_mean_calibrated_probability_is_the_rate(seed: int) -> None:
    # The likelihood equation of the intercept says so.
    rng = np.random.default_rng(seed)
    margins = rng.normal(size=200)
    outcome = (rng.random(200) < 0.4).astype(float)
    calibration = LogitCalibration.fit(margins, outcome, np.ones(len(margins)))
    assert abs(calibration.probability(margins).mean() - outcome.mean()) < 1e-3


def test_margins_that_point_the_wrong_way_give_everyone_the_rate() -> None:
    rng = np.random.default_rng(0)
    margins = rng.normal(size=500)
    outcome = (margins < 0).astype(float)
    calibration = LogitCalibration.fit(margins, outcome, np.ones(len(margins)))
    assert calibration.slope == 0
    np.testing.assert_allclose(calibration.probability(margins), outcome.mean(), atol=1e-3)


def test_true_log_odds_need_no_recalibration() -> None:
    rng = np.random.default_rng(0)
    margins = rng.normal(size=50_000)
    outcome = (rng.random(50_000) < 1 / (1 + np.exp(-margins))).astype(float)
    calibration = LogitCalibration.fit(margins, outcome, np.ones(len(margins)))
    assert abs(calibration.slope - 1) < 0.05
    assert abs(calibration.intercept) < 0.05


def test_many_patients_move_and_stretch_the_log_odds_as_statsmodels_does() -> None:
    margins, outcome = responses(40_000, 0.7, 0.6)
    odds, family = OLD.margin(margins), sm.families.Binomial()
    level = sm.GLM(outcome, np.ones(40_000), offset=odds, family=family).fit().params
    both = sm.GLM(outcome, sm.add_constant(odds), family=family).fit().params
    moved = refit(margins, outcome, "intercept")
    stretched = refit(margins, outcome, "intercept_and_slope")
    assert moved.slope == OLD.slope
    assert_allclose(moved.margin(margins), odds + level, atol=1e-3)
    assert_allclose(stretched.margin(margins), both[0] + both[1] * odds, atol=2e-3)


def test_many_patients_move_and_stretch_times_to_the_truth() -> None:
    margins, times = waits(20_000, 1.0, 0.7)
    found = refit_times(margins, times, "intercept_and_slope")
    truth = 1.0 + 0.7 * OLD_TIMES.margin(margins)
    assert_allclose(found.margin(margins), truth, atol=0.2)


def test_the_intercept_alone_keeps_the_slope() -> None:
    margins, times = waits(20_000, 0.6, 1.0)
    found = refit_times(margins, times, "intercept")
    assert found.slope == OLD_TIMES.slope
    assert_allclose(found.intercept - OLD_TIMES.intercept, 0.6, atol=0.03)


@pytest.mark.parametrize("way", WAYS)
def test_a_weight_of_two_is_the_patient_twice(way) -> None:
    margins, outcome = responses(60, 0.7, 0.5)
    counts = np.tile([1, 2, 3], 20)
    # Weights are taken as shares of the patients that there are: three copies of each are more.
    weighted = refit(np.tile(margins, 2), np.tile(outcome, 2), way, np.tile(counts, 2))
    repeated = refit(np.repeat(margins, counts), np.repeat(outcome, counts), way)
    assert_allclose(weighted.margin(margins), repeated.margin(margins), atol=1e-3)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_thirty_patients_of_one_outcome_make_it_neither_sure_nor_impossible(way, outcome) -> None:
    margins, _ = responses(30, 0.0, 1.0)
    found = refit(margins, np.full(30, outcome), way).probability(margins)
    assert 0.01 < abs(found.mean() - outcome) < 0.2
    assert (np.abs(found - outcome) > 1e-3).all()


@pytest.mark.parametrize("way", WAYS)
def test_thirty_patients_of_whom_nobody_relapsed_leave_finite_times(way) -> None:
    margins, _ = waits(30, 0.0, 1.0)
    found = refit_times(margins, np.full(30, np.inf), way)
    survival = found.survival(margins, np.array([180.0]))
    assert (survival > OLD_TIMES.survival(margins, np.array([180.0]))).all()
    assert (survival < 0.9999).all()


@given(seed=seeds)
@settings(max_examples=15)
def test_a_slope_is_never_negative(seed: int) -> None:
    rng = np.random.default_rng(seed)
    margins = rng.normal(size=80)
    outcome = (margins + rng.normal(size=80) < 0).astype(float)
    assert refit(margins, outcome, "intercept_and_slope").slope >= 0


def test_nothing_is_changed_where_nothing_is_asked() -> None:
    margins, outcome = responses(50, 2.0, 0.5)
    assert refit(margins, outcome, "none") == OLD


@pytest.mark.parametrize(
    ("level", "stretch", "way"),
    [(0.0, 1.0, "none"), (1.2, 1.0, "intercept"), (0.5, 0.2, "intercept_and_slope")],
)
def test_the_least_change_that_fits_is_chosen(level: float, stretch: float, way) -> None:
    margins, outcome = responses(1500, level, stretch, seed=2)
    assert refit(margins, outcome, "chosen") == refit(margins, outcome, way)


def test_what_needs_no_change_is_changed_in_about_one_study_of_twenty() -> None:
    changed = [refit(*responses(200, 0.0, 1.0, seed), "chosen") != OLD for seed in range(200)]
    assert 0.01 < np.mean(changed) < 0.1


def test_the_chance_of_an_outcome_is_that_of_its_calibration() -> None:
    margins = np.linspace(-2, 2, 5)
    assert_allclose(OLD.chance(margins, 90.0), OLD.probability(margins))
    survival = OLD_TIMES.survival(margins, np.array([90.0]))[:, 0]
    assert_allclose(OLD_TIMES.chance(margins, 90.0), 1 - survival)
