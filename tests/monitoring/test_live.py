"""Live calibration keeps to its chance of a false alarm, and finds what matters."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.question import Question
from kappredict.monitoring.live import (
    benefit_checks,
    calibration,
    level_score,
    site_checks,
    slope_score,
)
from kappredict.monitoring.validated import Validated

ONE, ZERO = Estimate(1.0, 1.0, 1.0), Estimate(0.0, 0.0, 0.0)


def question(
    n: int, *, seed: int, slope: float = 1.0, level: float = 0.0, spread: float = 1.0
) -> Question:
    """Draw predictions, and outcomes that bear them out with some slope and level."""
    rng = np.random.default_rng(seed)
    odds = spread * rng.standard_normal(n)
    outcome = (rng.random(n) < expit(level + slope * odds)).astype(float)
    return Question.of_response(outcome, expit(odds)[None], np.zeros((1, n)), np.arange(n))


def test_without_drift_scores_are_standard_normal() -> None:
    """So that a check alarms as seldom as it says."""
    drawn = [question(200, seed=seed) for seed in range(600)]
    for scores in (
        [slope_score(one, ONE) for one in drawn],
        [level_score(one, ZERO) for one in drawn],
    ):
        assert np.mean(scores) == pytest.approx(0, abs=0.15)
        assert np.std(scores) == pytest.approx(1, abs=0.1)
        assert np.mean(np.array(scores) < norm.ppf(0.03)) < 0.05


def test_a_level_or_slope_that_changed_stands_out() -> None:
    assert slope_score(question(1500, seed=1, slope=0.6), ONE) < -3
    assert level_score(question(1500, seed=1, level=0.4), ZERO) > 3


def test_a_change_of_level_is_no_change_of_slope() -> None:
    assert abs(slope_score(question(1500, seed=3, level=0.8), ONE)) < 2.5


def test_what_validation_left_open_makes_a_difference_less_surprising() -> None:
    drawn = question(400, seed=2, slope=0.5)
    unsure = Estimate(1.0, 0.6, 1.4)
    assert slope_score(drawn, ONE) < slope_score(drawn, unsure) < 0


def test_a_slope_is_held_to_what_was_validated_and_not_to_one() -> None:
    drawn = question(1500, seed=5, slope=0.7)
    assert slope_score(drawn, ONE) < -3
    assert abs(slope_score(drawn, Estimate(0.7, 0.7, 0.7))) < 2.5


def test_weights_let_those_known_stand_for_those_lost() -> None:
    """Lost at random by prediction: weighting the rest by the inverse leaves the level right."""
    full = question(6000, seed=6, level=0.0)
    rng = np.random.default_rng(7)
    kept = np.where(full.outcome == 1, 0.5, 0.9)  # the worst case: by the outcome itself
    known = np.flatnonzero(rng.random(6000) < kept)
    some = (full.outcome[known], full.probability[:, known], np.zeros((1, len(known))), known)
    assert level_score(Question.of_response(*some), ZERO) < -5
    weighted = Question.of_response(*some, weights=1 / kept[known])
    assert abs(level_score(weighted, ZERO)) < 2.5


def test_intervals_hold_level_and_slope() -> None:
    level, slope = calibration(question(3000, seed=8, slope=0.8, level=0.3))
    assert level.low < 0.33 < level.high
    assert slope.low < 0.8 < slope.high


def test_outcomes_that_all_ended_alike_have_no_slope() -> None:
    same = Question.of_response(
        np.ones(60), np.full((1, 60), 0.7), np.zeros((1, 60)), np.arange(60)
    )
    assert np.isnan(slope_score(same, ONE))
    assert np.isnan(calibration(same)[1].value)


def test_a_model_that_ranks_no_more_gains_less_than_it_did() -> None:
    usual = Validated("response", ZERO, ONE, {0.4: Estimate(0.06, 0.05, 0.07)}, np.nan)
    (kept,) = benefit_checks(question(1000, seed=9, spread=1.2), usual, seed=1)
    (lost,) = benefit_checks(question(1000, seed=9, slope=0.0, spread=1.2), usual, seed=1)
    assert kept.p > 0.01
    assert lost.p < 1e-4


def test_a_site_is_far_off_only_if_farther_than_sites_were_from_one_another() -> None:
    drawn = question(400, seed=10)
    outcome = drawn.outcome.copy()
    outcome[:60] = 1.0
    odd = Question.of_response(outcome, drawn.probability, drawn.folds, drawn.patients)
    sites = np.where(np.arange(400) < 60, "odd", "usual").astype(object)
    alike, apart, unknown = (
        Validated("response", ZERO, ONE, {}, between) for between in (0.1, 2.0, np.nan)
    )
    p = {one.what: one.p for one in site_checks(odd, sites, alike)}
    assert p["odd"] < 1e-4 < p["usual"]
    assert {one.what: one.p for one in site_checks(odd, sites, apart)}["odd"] > 0.01
    assert site_checks(odd, sites, unknown) == []
