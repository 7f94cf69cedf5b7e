"""Figures: what is drawn is what was measured, and synthetic data are said to be so."""

import numpy as np
import plotly.graph_objects as go
from lifelines import KaplanMeierFitter
from numpy.testing import assert_allclose
from scipy.special import expit

from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.figures import (
    distribution_figure,
    forest_figure,
    relapse_figure,
    relapse_free,
    roc_figure,
    roc_points,
)
from kappredict.evaluation.figures_calibration import calibration_figure
from kappredict.evaluation.metrics_binary import auc
from kappredict.evaluation.metrics_survival import SeenTimes
from kappredict.evaluation.question import Question

RNG = np.random.default_rng(1)
PROBABILITY = expit(RNG.normal(0, 1, 600))
OUTCOME = (RNG.random(600) < PROBABILITY).astype(float)
FOLD = np.arange(600) % 5
QUESTION = Question.of_response(OUTCOME, PROBABILITY[None], FOLD[None], np.arange(600))
DAYS = np.arange(10.0, 181.0, 10.0)
RISK = RNG.normal(0, 0.7, 300)
SURVIVAL = np.exp(-np.exp(RISK)[:, None] * DAYS / 150)
RELAPSE, LOST = RNG.exponential(150 / np.exp(RISK)), RNG.uniform(60, 260, 300)
TIMES = SeenTimes(np.minimum(RELAPSE, LOST), (RELAPSE <= LOST).astype(int))
ESTIMATES = {
    "model": {"random_cv": Estimate(0.7, 0.6, 0.8), "leave_site_out": Estimate(0.6, 0.5, 0.7)},
    "labels": {"random_cv": Estimate(0.6, 0.5, 0.7), "leave_site_out": Estimate(0.5, 0.4, 0.6)},
}


def every_figure(*, synthetic: bool) -> dict[str, go.Figure]:
    return {
        "calibration": calibration_figure(
            {"response": QUESTION}, seed=1, resamples=20, synthetic=synthetic
        ),
        "roc": roc_figure(OUTCOME, PROBABILITY, FOLD, synthetic=synthetic),
        "relapse": relapse_figure(TIMES, SURVIVAL, DAYS, synthetic=synthetic),
        "forest": forest_figure(ESTIMATES, figure_name="AUC", synthetic=synthetic),
        "distribution": distribution_figure(OUTCOME, PROBABILITY, synthetic=synthetic),
    }


def test_synthetic_data_are_marked_in_every_title_and_real_data_in_none() -> None:
    for name, figure in every_figure(synthetic=True).items():
        assert figure.layout.title.text.endswith("– synthetic data"), name
    for name, figure in every_figure(synthetic=False).items():
        assert "synthetic" not in figure.layout.title.text, name


def test_every_figure_becomes_a_page() -> None:
    for figure in every_figure(synthetic=False).values():
        assert len(figure.to_html(include_plotlyjs=False)) > 500
        assert any(axis.title.text for axis in figure.select_xaxes())


def test_no_colour_stands_alone() -> None:
    # Each series differs from the others in symbol, dash, pattern or name on the same colour.
    symbols = [one.marker.symbol for one in every_figure(synthetic=False)["forest"].data]
    assert len(set(symbols)) == len(symbols)


def test_the_area_under_the_drawn_curve_is_the_auc() -> None:
    curve = roc_points(OUTCOME, PROBABILITY, FOLD)
    area = np.trapezoid(curve["sensitivity"], curve["false_alarms"])
    measured = auc(OUTCOME, PROBABILITY, FOLD, np.ones((1, 600))).item()
    assert_allclose(area, measured, atol=0.005)


def test_folds_with_one_outcome_have_no_curve() -> None:
    assert roc_points(np.ones(4), np.linspace(0, 1, 4), np.zeros(4)).empty


def test_the_observed_curve_is_kaplan_meiers() -> None:
    curve = relapse_free(TIMES, DAYS)
    oracle = KaplanMeierFitter().fit(TIMES.seen, TIMES.event)
    assert_allclose(curve["share"], oracle.survival_function_at_times(curve["day"]), atol=1e-8)


def test_the_observed_curve_ends_with_follow_up() -> None:
    early = SeenTimes(np.minimum(TIMES.seen, 95), np.where(TIMES.seen <= 95, TIMES.event, 0))
    assert relapse_free(early, DAYS)["day"].max() <= 95


def test_thirds_are_told_apart_from_the_lowest_risk_to_the_highest() -> None:
    figure = relapse_figure(TIMES, SURVIVAL, DAYS, synthetic=False)
    last = {one.name: one.y[-1] for one in figure.data if one.name.endswith("predicted")}
    assert list(last.values()) == sorted(last.values(), reverse=True)
    assert len(figure.data) == 6


def test_bars_reach_from_low_to_high() -> None:
    model = forest_figure(ESTIMATES, figure_name="AUC", synthetic=False).data[0]
    assert_allclose(np.array(model.x) + model.error_x.array, [0.8, 0.7])
    assert_allclose(np.array(model.x) - model.error_x.arrayminus, [0.6, 0.5])


def test_an_estimate_that_is_missing_is_left_out_without_a_fuss() -> None:
    missing = {"model": {"random_cv": Estimate(np.nan, np.nan, np.nan)}}
    assert forest_figure(missing, figure_name="AUC", synthetic=False).to_json()
