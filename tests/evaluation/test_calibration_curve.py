"""Calibration: against statsmodels, against a known truth, and by law."""

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from scipy.interpolate import CubicSpline
from scipy.special import expit, logit
from scipy.stats import binomtest

from kappredict.evaluation.calibration_curve import (
    calibration_figures,
    distances,
    grouped_points,
    ici_by_chance,
    observed,
    smooth_curve,
)
from kappredict.evaluation.figures_calibration import calibration_figure
from kappredict.evaluation.metrics_survival import SeenTimes, SurvivalPredictions
from kappredict.evaluation.question import Question

SETTINGS = {"seed": 1, "resamples": 200}


def draw(n: int, level: float = 0.0, slope: float = 1.0, seed: int = 0):
    """Outcomes whose true log-odds are level + slope × the predicted ones."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-0.3, 0.9, n)
    outcome = (rng.random(n) < expit(level + slope * odds)).astype(float)
    return outcome, expit(odds)


def ask(outcome, *probabilities, weights=None) -> Question:
    folds = np.zeros((len(probabilities), len(outcome)))
    patients = np.arange(len(outcome))
    return Question.of_response(outcome, np.array(probabilities), folds, patients, weights)


def ask_by_day(lost_from: float, day: float = 90.0, n: int = 600, misjudged: float = 1.0):
    """Relapse under a constant hazard; the model knows it, or multiplies it by a mistake."""
    rng = np.random.default_rng(2)
    hazard = np.exp(rng.normal(0, 0.8, n)) / 120
    relapse, lost = rng.exponential(1 / hazard), rng.uniform(lost_from, lost_from + 400, n)
    times = SeenTimes(np.minimum(relapse, lost), (relapse <= lost).astype(int))
    survival = np.exp(-hazard * misjudged * day)[None, :, None]
    predicted = SurvivalPredictions(survival, np.array([day]), np.zeros((1, n)), (day,))
    return Question.of_horizon(times, predicted, day, np.arange(n)), times, relapse


def spline(values: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """A cubic that is straight outside its knots, by its heights at them."""
    curves = CubicSpline(knots, np.eye(len(knots)), bc_type="natural")
    nearest = np.clip(values, knots[0], knots[-1])
    return curves(nearest) + (values - nearest)[:, None] * curves(nearest, 1)


def test_the_curve_is_that_of_statsmodels() -> None:
    outcome, probability = draw(500, 0.4, 0.6)
    weights = np.random.default_rng(1).uniform(0.5, 3, 500)
    odds, at = logit(probability), np.linspace(0.1, 0.9, 9)
    knots = np.quantile(odds, [0.1, 0.5, 0.9])
    family = sm.families.Binomial()
    model = sm.GLM(outcome, spline(odds, knots), family=family, freq_weights=weights).fit()
    expected = model.predict(spline(logit(at), knots))
    assert_allclose(observed(outcome, probability, weights[None], at)[0], expected, atol=1e-6)


def test_intercept_and_slope_are_those_of_statsmodels() -> None:
    outcome, probability = draw(500, 0.4, 0.6)
    odds, family = logit(probability), sm.families.Binomial()
    found = calibration_figures(ask(outcome, probability), **SETTINGS)
    slope = sm.GLM(outcome, sm.add_constant(odds), family=family).fit()
    level = sm.GLM(outcome, np.ones(500), offset=odds, family=family).fit()
    assert_allclose(found["slope"].value, slope.params[1], atol=1e-6)
    assert_allclose(found["intercept"].value, level.params[0], atol=1e-6)
    # The bootstrap's interval is about as wide as the model's own.
    width = found["slope"].high - found["slope"].low
    assert_allclose(width, 3.92 * slope.bse[1], rtol=0.25)


@pytest.mark.parametrize(("level", "slope"), [(0.5, 1.0), (0.0, 0.5), (-0.3, 1.4)])
def test_a_known_miscalibration_is_measured(level: float, slope: float) -> None:
    outcome, probability = draw(60_000, level, slope)
    away = np.abs(expit(level + slope * logit(probability)) - probability)
    found = distances(outcome, probability, np.ones((1, 60_000)))
    assert_allclose(found["ici"], away.mean(), atol=0.006)
    assert_allclose(found["e50"], np.median(away), atol=0.01)
    assert_allclose(found["e90"], np.quantile(away, 0.9), atol=0.012)


def test_distances_are_in_order() -> None:
    found = distances(*draw(300), np.ones((1, 300)))
    assert 0 < found["e50"] <= found["e90"] <= found["emax"] <= 1
    assert found["ici"] < found["emax"]


def test_true_probabilities_lie_on_the_diagonal() -> None:
    curve = smooth_curve(ask(*draw(20_000)), seed=1, resamples=20)
    assert_allclose(curve["observed"], curve["predicted"], atol=0.03)


def test_the_interval_contains_the_true_curve_nearly_everywhere() -> None:
    curve = smooth_curve(ask(*draw(400, 0.4, 0.6)), **SETTINGS)
    truth = expit(0.4 + 0.6 * logit(curve["predicted"]))
    assert ((curve["low"] <= truth) & (truth <= curve["high"])).mean() > 0.9
    assert (curve["low"] <= curve["observed"]).all()
    assert (curve["observed"] <= curve["high"]).all()


def test_a_model_without_fault_shows_the_ici_of_chance_and_another_more() -> None:
    outcome, probability = draw(400)
    chance = ici_by_chance(ask(outcome, probability), seed=1, draws=200)
    right = distances(outcome, probability, np.ones((1, 400)))["ici"].item()
    wrong = distances(outcome, expit(logit(probability) - 1), np.ones((1, 400)))["ici"].item()
    assert chance.low < right < chance.high < wrong


def test_the_ici_of_chance_is_what_repeated_studies_show() -> None:
    studies = [distances(*draw(400, seed=seed), np.ones((1, 400)))["ici"] for seed in range(100)]
    chance = ici_by_chance(ask(*draw(400)), seed=1, draws=200)
    assert_allclose(chance.value, np.mean(studies), rtol=0.15)


def test_a_weight_of_two_is_the_course_twice() -> None:
    outcome, probability = draw(200, 0.3, 0.7)
    counts = np.random.default_rng(3).integers(1, 4, 200)
    # The knots stand where they stood: at places of the rows, not of their weights.
    weighted = observed(outcome, probability, counts[None].astype(float), probability)
    family, odds = sm.families.Binomial(), logit(probability)
    columns = spline(odds, np.quantile(odds, [0.1, 0.5, 0.9]))
    model = sm.GLM(np.repeat(outcome, counts), np.repeat(columns, counts, axis=0), family=family)
    assert_allclose(weighted[0], model.fit().predict(columns), atol=1e-6)


def test_repeats_are_averaged() -> None:
    outcome, probability = draw(300)
    other = expit(logit(probability) + 0.5)
    both = calibration_figures(ask(outcome, probability, other), **SETTINGS)
    alone = [calibration_figures(ask(outcome, one), **SETTINGS) for one in (probability, other)]
    for name, estimate in both.items():
        assert_allclose(estimate.value, np.mean([one[name].value for one in alone]))


def test_few_outcomes_have_no_curve_and_no_distance_but_a_slope() -> None:
    question = ask(*draw(40))
    assert smooth_curve(question, **SETTINGS).empty
    found = calibration_figures(question, **SETTINGS)
    assert np.isnan(found["ici"].value)
    assert np.isnan(ici_by_chance(question, seed=1, draws=20).value)
    assert np.isfinite(found["slope"].value)


@pytest.mark.parametrize("constant", [0.0, 0.3, 1.0])
def test_a_constant_prediction_has_one_group_and_no_curve(constant: float) -> None:
    outcome, _ = draw(300)
    question = ask(outcome, np.full(300, constant))
    points = grouped_points(question)
    assert_allclose(points["observed"], [outcome.mean()])
    assert np.isnan(calibration_figures(question, **SETTINGS)["ici"].value)


def test_groups_are_equal_and_their_intervals_wilsons() -> None:
    points = grouped_points(ask(*draw(600)))
    assert_allclose(points["n"], 60)
    for point in points.itertuples():
        events = round(point.observed * 60)
        wilson = binomtest(events, 60).proportion_ci(method="wilson")
        assert_allclose([point.low, point.high], [wilson.low, wilson.high])


def test_the_same_repeat_twice_makes_no_group_surer() -> None:
    outcome, probability = draw(300)
    once, twice = (grouped_points(ask(outcome, *[probability] * n)) for n in (1, 2))
    assert_allclose(twice, once)


def test_unequal_weights_make_a_group_worth_fewer_courses() -> None:
    outcome, probability = draw(600)
    weights = np.random.default_rng(1).uniform(0.2, 5, 600)
    points = grouped_points(ask(outcome, probability, weights=weights))
    assert (points["n"] < 60).all()
    assert_allclose(
        np.average(points["observed"], weights=points["n"]),
        np.average(outcome, weights=weights),
        atol=0.05,
    )


def test_without_losses_a_horizon_has_the_figures_of_a_plain_yes_or_no() -> None:
    by_day, _, relapse = ask_by_day(lost_from=1000)
    plain = ask((relapse <= 90).astype(float), by_day.probability[0])
    assert calibration_figures(by_day, **SETTINGS) == calibration_figures(plain, **SETTINGS)
    assert smooth_curve(by_day, **SETTINGS).equals(smooth_curve(plain, **SETTINGS))


@pytest.mark.parametrize("misjudged", [1.0, 1.6])
def test_losses_do_not_move_the_figures_of_a_horizon(misjudged: float) -> None:
    by_day, times, relapse = ask_by_day(lost_from=0, n=20_000, misjudged=misjudged)
    plain = ask((relapse <= 90).astype(float), by_day.probability[0])
    assert ((times.event == 0) & (times.seen < 90)).mean() > 0.1
    found, whole = (calibration_figures(one, seed=1, resamples=2) for one in (by_day, plain))
    for name in ("intercept", "slope", "ici"):
        assert_allclose(found[name].value, whole[name].value, atol=0.05)


def test_each_horizon_has_its_button_and_shows_only_itself() -> None:
    asked = {f"day {day:g}": ask_by_day(20, day)[0] for day in (30.0, 90.0)}
    figure = calibration_figure(asked, seed=1, resamples=20, synthetic=True)
    first, last = figure.layout.updatemenus[0].buttons
    assert (first.label, last.label) == ("day 30", "day 90")
    shown = np.array([one.args[0]["visible"] for one in (first, last)])
    assert shown[:, 0].all()
    assert (shown[:, 1:].sum(axis=0) == 1).all()
    assert [trace.visible for trace in figure.data] == list(last.args[0]["visible"])


def test_one_question_needs_no_button_and_few_outcomes_no_curve() -> None:
    figure = calibration_figure({"response": ask(*draw(40))}, seed=1, resamples=20, synthetic=False)
    assert not figure.layout.updatemenus
    assert [trace.type for trace in figure.data] == ["scatter", "scatter", "bar"]
    assert figure.data[-1].y.sum() == 40


def test_a_few_wild_predictions_do_not_take_the_curve_away() -> None:
    # As a model makes them that is asked about values far outside those it was trained on.
    outcome, probability = draw(500)
    probability[:4] = 1e-7, 1 - 1e-5, 1 - 1e-4, 1 - 1e-3
    found = calibration_figures(ask(outcome, probability), **SETTINGS)
    assert found["ici"].low < found["ici"].value < found["ici"].high
