"""Metrics of relapse-free survival: against scikit-survival and lifelines, and by law."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lifelines import AalenJohansenFitter, KaplanMeierFitter
from numpy.testing import assert_allclose
from sksurv.metrics import (
    brier_score,
    concordance_index_ipcw,
    cumulative_dynamic_auc,
    integrated_brier_score,
)
from sksurv.util import Surv

from kappredict.evaluation.metrics_survival import (
    LEAST_FOLLOWED,
    ObservationChances,
    SeenTimes,
    SurvivalPredictions,
    known_weights,
    survival_differences,
    survival_metrics,
    survival_statistic,
)

seeds = st.integers(0, 10_000)
GRID = np.arange(10.0, 181.0, 10.0)
HORIZONS = (30.0, 90.0, 150.0)


def truth(risk: np.ndarray, days: np.ndarray = GRID) -> np.ndarray:
    """Survival by each day under a constant hazard."""
    return np.exp(-np.exp(risk)[:, None] * days / 150)


def draw(seed: int, n: int = 150, *, visits: float = 0.0, competing: bool = False):
    """Times under a constant hazard, lost at random; at visits every so many days if given."""
    rng = np.random.default_rng(seed)
    risk = np.round(rng.normal(0, 0.8, n), 1)
    relapse = rng.exponential(150 / np.exp(risk))
    other = rng.exponential(400, n) if competing else np.full(n, np.inf)
    lost = np.minimum(rng.exponential(250, n), 180 + rng.random(n))
    if visits:
        relapse, other = (np.ceil(one / visits) * visits for one in (relapse, other))
        lost = np.floor(lost / visits) * visits
    ended = np.minimum(relapse, other)
    event = np.where(ended <= lost, np.where(relapse <= other, 1, 2), 0)
    seen = np.where(event > 0, ended, lost)
    return SeenTimes(seen, event), risk


def losses_last(times: SeenTimes) -> np.ndarray:
    """Days on which, to other packages, losses come after all else of their day.

    By the smallest step there is: a larger one would carry a loss past the events and the grid
    days that follow it closely.
    """
    return np.where(times.event == 0, np.nextafter(times.seen, np.inf), times.seen)


def values(times: SeenTimes, risk: np.ndarray, folds=None, weights=None) -> dict:
    folds = np.zeros(len(risk)) if folds is None else folds
    weights = np.ones(len(risk)) if weights is None else weights
    predictions = SurvivalPredictions(truth(risk)[None], GRID, folds[None], HORIZONS)
    found = survival_statistic(times, predictions)(weights[None])
    return {name: value.item() for name, value in found.items()}


def oracle(times: SeenTimes, risk: np.ndarray) -> dict:
    """The same figures by scikit-survival, which lets losses come before all else of their day."""
    outcome = Surv.from_arrays(times.event == 1, losses_last(times))
    days = np.array(HORIZONS)
    survival = truth(risk)
    at_horizons = survival[:, np.searchsorted(GRID, days)]
    areas = cumulative_dynamic_auc(outcome, outcome, risk, days)[0]
    errors = brier_score(outcome, outcome, at_horizons, days)[1]
    found = {
        ("c_index", ""): concordance_index_ipcw(
            outcome, outcome, risk, np.nextafter(GRID[-1], np.inf)
        )[0],
        ("integrated_brier", ""): integrated_brier_score(outcome, outcome, survival, GRID),
    }
    for day, area, error in zip(HORIZONS, areas, errors, strict=True):
        found |= {("auc", f"{day:g}"): area, ("brier", f"{day:g}"): error}
    return found


def followed_to_the_end(times: SeenTimes) -> SeenTimes:
    """Let enough be followed past the grid, so that both sides cover the same days."""
    seen, event = times.seen.copy(), times.event.copy()
    seen[:LEAST_FOLLOWED], event[:LEAST_FOLLOWED] = GRID[-1] + 5, 0
    return SeenTimes(seen, event)


@given(seed=seeds)
@example(seed=7078)  # a loss 15 millionths of a day before a day of the grid
@settings(max_examples=40, deadline=None)
def test_metrics_are_those_of_scikit_survival(seed: int) -> None:
    times, risk = draw(seed)
    times = followed_to_the_end(times)
    found = values(times, risk)
    for name, value in oracle(times, risk).items():
        assert_allclose(found[name], value, atol=1e-8, err_msg=str(name))


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_on_visit_days_losses_come_last(seed: int) -> None:
    times, risk = draw(seed, visits=30.0)
    times = followed_to_the_end(times)
    found = values(times, risk)
    for name, value in oracle(times, risk).items():
        assert_allclose(found[name], value, atol=1e-8, err_msg=str(name))


def test_those_last_seen_well_on_the_horizon_are_known_to_be_well() -> None:
    event = np.repeat([1, 0], 40)
    times = SeenTimes(np.concatenate([np.linspace(5, 80, 40), np.full(40, 90.0)]), event)
    found = values(times, np.where(event == 1, 1.0, 0.0))
    assert found["auc", "90"] == 1.0


@given(seed=seeds, competing=st.booleans())
@settings(max_examples=20, deadline=None)
def test_the_observed_risk_is_that_of_lifelines(seed: int, competing: bool) -> None:
    # Jitter apart: lifelines breaks ties of Aalen-Johansen at random.
    times, _ = draw(seed, competing=competing)
    weights = np.ones((1, len(times.seen)))
    chances = ObservationChances.fit(times, weights)
    if competing:
        fitter = AalenJohansenFitter(calculate_variance=False).fit(times.seen, times.event, 1)
        curve = fitter.cumulative_density_.iloc[:, 0]
    else:
        fitter = KaplanMeierFitter().fit(times.seen, times.event == 1)
        curve = 1 - fitter.survival_function_.iloc[:, 0]
    for day in HORIZONS:
        known = known_weights(times, day, weights, chances)
        observed = (known @ times.relapsed_by(day)).item() / len(times.seen)
        assert_allclose(observed, curve[curve.index <= day].iloc[-1], atol=1e-8)


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_the_chance_of_observation_is_that_of_lifelines_just_before_a_day(seed: int) -> None:
    times, _ = draw(seed, visits=10.0)
    later = losses_last(times)
    curve = KaplanMeierFitter().fit(later, times.event == 0).survival_function_.iloc[:, 0]
    chances = ObservationChances.fit(times, np.ones((1, len(later))))
    for day in HORIZONS:
        expected = curve[curve.index < day].iloc[-1]
        assert_allclose(1 / chances.inverse(day).item(), expected, atol=1e-8)


def test_nobody_is_lost_before_the_first_day() -> None:
    times, _ = draw(1)
    assert ObservationChances.fit(times, np.ones((1, 150))).inverse(0.0).item() == 1


@given(seed=seeds, competing=st.booleans())
@settings(max_examples=20, deadline=None)
def test_those_known_stand_for_everybody(seed: int, competing: bool) -> None:
    times, _ = draw(seed, visits=15.0, competing=competing)
    times = followed_to_the_end(times)
    weights = np.ones((1, len(times.seen)))
    chances = ObservationChances.fit(times, weights)
    for day in HORIZONS:
        assert_allclose(known_weights(times, day, weights, chances).sum(), len(times.seen))


@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_a_weight_of_two_is_the_course_twice(seed: int) -> None:
    times, risk = draw(seed, visits=15.0, competing=True)
    times = followed_to_the_end(times)
    counts = np.random.default_rng(seed).integers(1, 4, len(risk))
    weighted = values(times, risk, weights=counts.astype(float))
    twice = SeenTimes(np.repeat(times.seen, counts), np.repeat(times.event, counts))
    repeated = values(twice, np.repeat(risk, counts))
    for name, value in weighted.items():
        assert_allclose(repeated[name], value, atol=1e-6, err_msg=str(name))


@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_the_order_of_courses_changes_nothing(seed: int) -> None:
    times, risk = draw(seed, visits=15.0, competing=True)
    folds = np.arange(len(risk)) % 3
    order = np.random.default_rng(seed).permutation(len(risk))
    before = values(times, risk, folds)
    after = values(SeenTimes(times.seen[order], times.event[order]), risk[order], folds[order])
    for name, value in before.items():
        assert_allclose(after[name], value, atol=1e-7, err_msg=str(name))


def test_a_competing_event_is_a_known_no_for_ever() -> None:
    # Ranked below every relapse, those who changed treatment early are ranked right.
    times = SeenTimes(np.array([5.0, 50.0, 60.0, *[200.0] * 20]), np.array([2, 1, 1, *[0] * 20]))
    right = np.array([-1.0, 1.1, 1.0, *[0.0] * 20])
    wrong = np.array([2.0, 1.1, 1.0, *[0.0] * 20])
    assert values(times, right)["c_index", ""] == values(times, right)["auc", "90"] == 1.0
    assert values(times, wrong)["c_index", ""] < 1
    assert values(times, wrong)["auc", "90"] < 1


def by_definition(times: SeenTimes, risk: np.ndarray, day: float) -> tuple[float, float]:
    """C (Wolbers et al. 2014) and Brier score of a day, pair by pair and course by course."""
    lost = times.event == 0
    curve = KaplanMeierFitter().fit(losses_last(times), lost).survival_function_.iloc[:, 0]
    observed = [1.0 if one == 0 else curve[curve.index < one].iloc[-1] for one in times.seen]
    survival = truth(risk)[:, np.searchsorted(GRID, day)]
    at_day = curve[curve.index < day].iloc[-1]
    won = pairs = error = 0.0
    for i in range(len(risk)):
        ended = times.event[i] > 0 and times.seen[i] <= day
        if ended:
            error += ((times.event[i] == 1) - (1 - survival[i])) ** 2 / observed[i]
        elif times.seen[i] >= day:
            error += (1 - survival[i]) ** 2 / at_day
        for j in range(len(risk)):
            if times.event[i] != 1 or times.seen[i] > GRID[-1]:
                continue
            later = times.seen[j] > times.seen[i] or (times.seen[j] == times.seen[i] and lost[j])
            other = times.event[j] == 2 and times.seen[j] <= times.seen[i]
            weight = later / observed[i] ** 2 + other / observed[i] / observed[j]
            won += weight * (risk[i] > risk[j]) + weight * (risk[i] == risk[j]) / 2
            pairs += weight
    return won / pairs, error / len(risk)


@given(seed=seeds, visits=st.sampled_from([0.0, 15.0]))
@settings(max_examples=10, deadline=None)
def test_with_competing_events_metrics_are_those_of_the_definitions(
    seed: int, visits: float
) -> None:
    times, risk = draw(seed, n=60, visits=visits, competing=True)
    times = followed_to_the_end(times)
    found = values(times, risk)
    expected = by_definition(times, risk, 90.0)
    assert_allclose((found["c_index", ""], found["brier", "90"]), expected, atol=1e-8)


def test_a_constant_prediction_tells_nobody_apart() -> None:
    times, risk = draw(2)
    found = values(times, np.zeros_like(risk))
    assert found["c_index", ""] == found["auc", "90"] == 0.5
    assert np.isnan(found["calibration_slope", "90"])


def test_only_courses_of_one_fold_are_compared() -> None:
    seen = np.array([10.0, 20, 30, 40, 15, 25, 35, 45, *[200.0] * 20])
    event = np.array([1] * 8 + [0] * 20)
    risk = np.array([4.0, 3, 2, 1, -1, -2, -3, -4, *[0.0] * 10, *[-9.0] * 10])
    folds = np.array([0] * 4 + [1] * 4 + [0] * 10 + [1] * 10)
    times = SeenTimes(seen, event)
    assert values(times, risk, folds)["c_index", ""] == 1
    assert values(times, risk, folds)["auc", "30"] == 1
    assert values(times, risk)["c_index", ""] < 1


@pytest.mark.parametrize("competing", [False, True])
def test_the_true_risks_are_calibrated_in_spite_of_losses(competing: bool) -> None:
    times, risk = draw(3, n=40_000, competing=competing)
    hazard, other = np.exp(risk)[:, None] / 150, 1 / 400 if competing else 0.0
    relapsed = hazard / (hazard + other) * (1 - np.exp(-(hazard + other) * GRID))
    predictions = SurvivalPredictions(
        (1 - relapsed)[None], GRID, np.arange(40_000)[None] % 80, HORIZONS
    )
    found = survival_statistic(times, predictions)(np.ones((1, 40_000)))
    for day in HORIZONS:
        assert_allclose(found["calibration", f"{day:g}"], 1, atol=0.03)
        assert_allclose(found["calibration_slope", f"{day:g}"], 1, atol=0.08)


def metrics(times: SeenTimes, risk: np.ndarray, horizons=HORIZONS, **options) -> dict:
    lower = np.where(times.event > 0, times.seen - 3, times.seen)
    upper = np.where(times.event > 0, times.seen, np.inf)
    survival, folds = truth(risk)[None], np.arange(len(risk))[None] % 3
    settings_ = {"seed": 1, "resamples": 100} | options
    patients = np.arange(len(risk))
    return survival_metrics(
        lower, upper, times.event, survival, GRID, horizons, folds, patients, **settings_
    )


def test_each_interval_contains_its_value() -> None:
    times, risk = draw(4, n=300)
    found = metrics(times, risk)
    figures = [found["c_index"], found["integrated_brier"]]
    for one in found["horizons"].values():
        assert set(one) == {"auc", "brier", "calibration", "calibration_slope"}
        figures += one.values()
    for estimate in figures:
        assert estimate.low < estimate.value < estimate.high


def test_a_horizon_beyond_follow_up_has_no_figures_and_says_why() -> None:
    times, risk = draw(5)
    short = SeenTimes(np.minimum(times.seen, 100), np.where(times.seen <= 100, times.event, 0))
    found = metrics(short, risk)
    beyond = found["horizons"]["150"]
    assert beyond.pop("reason") == "fewer than 10 courses were followed to day 150"
    assert all(np.isnan(one.value) for one in beyond.values())
    assert "reason" not in found["horizons"]["90"]
    assert np.isfinite(found["c_index"].value)
    assert np.isfinite(found["integrated_brier"].value)


def test_without_a_relapse_there_is_no_discrimination_and_a_reason() -> None:
    times = SeenTimes(np.full(60, 200.0), np.zeros(60, dtype=int))
    found = metrics(times, np.linspace(-1, 1, 60))
    assert np.isnan(found["c_index"].value)
    assert found["horizons"]["30"]["reason"] == "no relapse was seen by day 30"
    assert np.isfinite(found["horizons"]["30"]["brier"].value)


def test_where_everybody_relapsed_there_is_no_discrimination_and_a_reason() -> None:
    times = SeenTimes(np.linspace(1, 29, 60), np.ones(60, dtype=int))
    found = metrics(times, np.linspace(-1, 1, 60))
    assert "had relapsed by day 90" in found["horizons"]["90"]["reason"]
    assert np.isfinite(found["c_index"].value)


def test_no_courses_give_no_figures() -> None:
    times = SeenTimes(np.empty(0), np.empty(0, dtype=int))
    assert np.isnan(metrics(times, np.empty(0))["c_index"].value)


def test_predictions_do_not_differ_from_themselves() -> None:
    times, risk = draw(6)
    one = SurvivalPredictions(truth(risk)[None], GRID, np.zeros((1, len(risk))), HORIZONS)
    found = survival_differences(times, (one, one), np.arange(len(risk)), seed=1, resamples=20)
    assert found["c_index"].low == found["c_index"].high == 0


def test_a_horizon_that_was_not_predicted_is_refused() -> None:
    times, risk = draw(7)
    with pytest.raises(ValueError, match=r"missing: \[45.0\]"):
        metrics(times, risk, horizons=(45.0,))


def test_an_event_without_a_day_is_refused() -> None:
    with pytest.raises(ValueError, match="finite `upper`"):
        SeenTimes.of(np.array([1.0, 2.0]), np.array([np.inf, 3.0]), np.array([1, 1]))
