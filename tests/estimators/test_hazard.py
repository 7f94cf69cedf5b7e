"""The hazard between days: lifelines as an oracle, and what competes is no relapse."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from lifelines import AalenJohansenFitter, BreslowFlemingHarringtonFitter, KaplanMeierFitter
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

from kappredict.estimators.hazard import Baseline, HazardCalibration

DAYS = np.array([30.0, 90.0, 180.0, 300.0])


def drawn(
    n: int = 2000, effect: float = 0.0, competing: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Margins, the day each wait was last seen, and what was seen."""
    rng = np.random.default_rng(0)
    margins = rng.normal(size=n)
    relapse = 200 * np.exp(effect * margins) * rng.weibull(0.7, size=n)
    other = rng.exponential(1 / competing, size=n) if competing else np.full(n, np.inf)
    lost = rng.uniform(100, 400, size=n)
    first = np.argmin([lost, relapse, other], axis=0)
    return margins, np.min([lost, relapse, other], axis=0), first


def test_without_a_signal_the_curve_is_the_one_that_lifelines_fits() -> None:
    margins, seen, event = drawn()
    ours = HazardCalibration.fit(0 * margins, seen, event, np.ones(len(seen)))
    theirs = BreslowFlemingHarringtonFitter().fit(seen, event == 1)
    expected = theirs.predict(DAYS).to_numpy()
    np.testing.assert_allclose(ours.survival(np.zeros(1), DAYS)[0], expected, atol=5e-3)


def test_the_slope_is_that_of_cox_regression() -> None:
    margins, seen, event = drawn(effect=0.5)
    ours = HazardCalibration.fit(margins, seen, event, np.ones(len(seen)))
    theirs = CoxPHSurvivalAnalysis().fit(margins[:, None], Surv.from_arrays(event == 1, seen))
    np.testing.assert_allclose(ours.slope, -theirs.coef_.item(), rtol=0.02)


def test_what_competes_is_no_relapse() -> None:
    margins, seen, event = drawn(competing=1 / 150)
    ours = HazardCalibration.fit(0 * margins, seen, event, np.ones(len(seen)))
    theirs = AalenJohansenFitter(calculate_variance=False).fit(seen, event, event_of_interest=1)
    incidence = theirs.cumulative_density_
    expected = [incidence[incidence.index <= day].iloc[-1].item() for day in DAYS]
    np.testing.assert_allclose(1 - ours.survival(np.zeros(1), DAYS)[0], expected, atol=0.01)
    ignored = HazardCalibration.fit(0 * margins, seen, event * (event == 1), np.ones(len(seen)))
    assert (ignored.survival(np.zeros(1), DAYS) < ours.survival(np.zeros(1), DAYS)).all()


def test_margins_that_point_the_wrong_way_give_everyone_the_same_curve() -> None:
    margins, seen, event = drawn(effect=0.5)
    calibration = HazardCalibration.fit(-margins, seen, event, np.ones(len(seen)))
    assert calibration.slope < 1e-3


@given(seed=st.integers(0, 1000))
def test_survival_lies_between_0_and_1_never_rises_and_is_better_for_better_margins(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    ends = np.cumsum(rng.uniform(1, 60, size=5))
    relapse, other = (Baseline(tuple(ends), tuple(rng.uniform(0, 0.05, size=5))) for _ in range(2))
    calibration = HazardCalibration(rng.normal(), rng.random(), relapse, other)
    survival = calibration.survival(np.sort(rng.normal(size=20)), np.linspace(1, 400, 50))
    assert ((survival >= 0) & (survival <= 1)).all()
    assert (np.diff(survival, axis=1) <= 1e-12).all()
    assert (np.diff(survival, axis=0) >= -1e-12).all()


def test_a_weight_of_two_is_the_course_twice() -> None:
    margins, seen, event = drawn(300, effect=0.5)
    twice = HazardCalibration.fit(margins, seen, event, np.full(300, 2.0))
    repeated = HazardCalibration.fit(
        np.tile(margins, 2), np.tile(seen, 2), np.tile(event, 2), np.ones(600)
    )
    one, other = (fit.survival(margins, DAYS) for fit in (twice, repeated))
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_numbers_survive_being_written() -> None:
    margins, seen, event = drawn(200, effect=0.5, competing=1 / 200)
    calibration = HazardCalibration.fit(margins, seen, event, np.ones(200))
    assert HazardCalibration.from_json(calibration.to_json()) == calibration


def test_the_mean_curve_is_kaplan_meiers_though_visits_fall_on_few_days() -> None:
    # Visits due every 30 days, held within an hour of it: a third relapse at the first of them.
    rng = np.random.default_rng(3)
    visit = rng.choice([30.0, 60.0, 90.0], 600, p=[0.4, 0.3, 0.3])
    seen = visit - rng.uniform(0, 0.4, 600)
    event = (rng.random(600) < 0.8).astype(int)
    margins = rng.normal(size=600)
    found = HazardCalibration.fit(margins, seen, event, np.ones(600))
    days = np.array([30.0, 60.0, 90.0])
    expected = KaplanMeierFitter().fit(seen, event).predict(days).to_numpy()
    predicted = found.survival(margins, days).mean(axis=0)
    np.testing.assert_allclose(predicted, expected, atol=0.02)
