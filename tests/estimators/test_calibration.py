"""Laws of calibrated answers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from learning import relapse_rows
from lifelines import WeibullFitter

from kappredict.estimators.calibration import LogitCalibration, TimeCalibration

seeds = st.integers(0, 1000)


@given(seed=seeds)
def test_the_mean_calibrated_probability_is_the_rate(seed: int) -> None:
    # The likelihood equation of the intercept says so.
    rng = np.random.default_rng(seed)
    margins = rng.normal(size=200)
    outcome = (rng.random(200) < 0.4).astype(float)
    calibration = LogitCalibration.fit(margins, outcome)
    assert abs(calibration.probability(margins).mean() - outcome.mean()) < 1e-3


def test_margins_that_point_the_wrong_way_give_everyone_the_rate() -> None:
    rng = np.random.default_rng(0)
    margins = rng.normal(size=500)
    outcome = (margins < 0).astype(float)
    calibration = LogitCalibration.fit(margins, outcome)
    assert calibration.slope == 0
    np.testing.assert_allclose(calibration.probability(margins), outcome.mean(), atol=1e-3)


def test_true_log_odds_need_no_recalibration() -> None:
    rng = np.random.default_rng(0)
    margins = rng.normal(size=50_000)
    outcome = (rng.random(50_000) < 1 / (1 + np.exp(-margins))).astype(float)
    calibration = LogitCalibration.fit(margins, outcome)
    assert abs(calibration.slope - 1) < 0.05
    assert abs(calibration.intercept) < 0.05


@given(seed=seeds)
def test_survival_lies_between_0_and_1_and_never_rises(seed: int) -> None:
    rng = np.random.default_rng(seed)
    calibration = TimeCalibration(rng.normal(4, 1), rng.random(), 0.2 + rng.random())
    days = np.linspace(1, 400, 50)
    survival = calibration.survival(rng.normal(size=20), days)
    assert ((survival >= 0) & (survival <= 1)).all()
    assert (np.diff(survival, axis=1) <= 0).all()


def test_without_a_signal_the_curve_is_the_weibull_that_lifelines_fits() -> None:
    times = relapse_rows(rows=400).target.fitted_on
    ours = TimeCalibration.fit(np.zeros(len(times)), times)
    lower = np.maximum(times[:, 0], 1e-3)
    theirs = WeibullFitter().fit_interval_censoring(lower, times[:, 1])
    days = np.array([30.0, 90.0, 180.0])
    expected = theirs.survival_function_at_times(days).to_numpy()
    np.testing.assert_allclose(ours.survival(np.zeros(1), days)[0], expected, atol=2e-3)
