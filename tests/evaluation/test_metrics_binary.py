"""Discrimination and calibration of probabilities: against scikit-learn, and by law."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from kappredict.evaluation.metrics_binary import (
    auc,
    binary_differences,
    binary_metrics,
    binary_statistic,
    calibration_intercept,
    calibration_slope,
)

seeds = st.integers(0, 10_000)
FIGURES = {"auc", "brier", "log_loss", "calibration_slope", "calibration_intercept"}


def draw(seed: int, n: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes and their true probabilities, rounded so that some are tied."""
    rng = np.random.default_rng(seed)
    probability = np.clip(np.round(expit(rng.normal(-0.4, 1.2, n)), 2), 0.01, 0.99)
    outcome = (rng.random(n) < probability).astype(float)
    outcome[:2] = 0, 1
    return outcome, probability


def values(outcome, probability, folds=None, weights=None) -> dict[str, float]:
    """Values of all metrics of one repeat under one set of weights."""
    folds = np.zeros(len(outcome)) if folds is None else folds
    weights = np.ones(len(outcome)) if weights is None else weights
    found = binary_statistic(outcome, probability[None, :], folds[None, :])(weights[None, :])
    return {name: value.item() for name, value in found.items()}


@given(seed=seeds)
def test_unweighted_metrics_are_those_of_scikit_learn(seed: int) -> None:
    outcome, probability = draw(seed)
    found = values(outcome, probability)
    assert_allclose(found["auc"], roc_auc_score(outcome, probability), atol=1e-12)
    assert_allclose(found["brier"], brier_score_loss(outcome, probability), atol=1e-12)
    assert_allclose(found["log_loss"], log_loss(outcome, probability), atol=1e-12)


@given(seed=seeds)
def test_weighted_metrics_are_those_of_scikit_learn(seed: int) -> None:
    outcome, probability = draw(seed)
    weights = np.random.default_rng(seed + 1).exponential(size=len(outcome))
    found = values(outcome, probability, weights=weights)
    weighted = {"sample_weight": weights}
    assert_allclose(found["auc"], roc_auc_score(outcome, probability, **weighted), atol=1e-12)
    assert_allclose(found["brier"], brier_score_loss(outcome, probability, **weighted), atol=1e-12)
    assert_allclose(found["log_loss"], log_loss(outcome, probability, **weighted), atol=1e-12)


@given(seed=seeds)
@settings(max_examples=20)
def test_the_calibration_slope_is_that_of_a_logistic_regression(seed: int) -> None:
    outcome, probability = draw(seed)
    weights = np.random.default_rng(seed + 1).exponential(size=len(outcome))
    oracle = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10)
    oracle.fit(logit(probability)[:, None], outcome, sample_weight=weights)
    found = values(outcome, probability, weights=weights)["calibration_slope"]
    assert_allclose(found, oracle.coef_[0, 0], rtol=1e-6)


@given(seed=seeds)
def test_predictions_shifted_by_the_calibration_intercept_expect_what_was_observed(
    seed: int,
) -> None:
    # The score equation of a logistic model with an offset and an intercept alone.
    outcome, probability = draw(seed)
    intercept = values(outcome, probability)["calibration_intercept"]
    assert_allclose(expit(logit(probability) + intercept).mean(), outcome.mean(), atol=1e-8)


def test_calibration_in_the_large_is_not_the_intercept_fitted_with_the_slope() -> None:
    outcome, probability = draw(1, n=2000)
    timid = expit(0.5 * logit(probability) + 0.3)
    joint = LogisticRegression(C=np.inf).fit(logit(timid)[:, None], outcome).intercept_[0]
    assert abs(values(outcome, timid)["calibration_intercept"] - joint) > 0.05


@given(seed=seeds)
@settings(max_examples=20)
def test_a_weight_of_two_is_the_row_twice(seed: int) -> None:
    outcome, probability = draw(seed)
    counts = np.random.default_rng(seed + 1).integers(1, 4, len(outcome))
    weighted = values(outcome, probability, weights=counts.astype(float))
    repeated = values(np.repeat(outcome, counts), np.repeat(probability, counts))
    for name in FIGURES:
        assert_allclose(weighted[name], repeated[name], atol=1e-7)


@given(seed=seeds)
@settings(max_examples=20)
def test_each_resample_gives_what_it_gives_alone(seed: int) -> None:
    outcome, probability = draw(seed)
    folds = np.arange(len(outcome)) % 3
    weights = np.random.default_rng(seed).integers(0, 4, (5, len(outcome))).astype(float)
    together = binary_statistic(outcome, probability[None, :], folds[None, :])(weights)
    for row, one in enumerate(weights):
        alone = values(outcome, probability, folds, one)
        for name in FIGURES:
            assert_allclose(together[name][row], alone[name], atol=1e-6)


@given(seed=seeds)
@settings(max_examples=20)
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    outcome, probability = draw(seed)
    folds = np.arange(len(outcome)) % 4
    order = np.random.default_rng(seed).permutation(len(outcome))
    before = values(outcome, probability, folds)
    after = values(outcome[order], probability[order], folds[order])
    for name in FIGURES:
        assert_allclose(after[name], before[name], atol=1e-8)


@given(seed=seeds)
def test_the_auc_sees_only_the_order_of_predictions(seed: int) -> None:
    outcome, probability = draw(seed)
    stretched = expit(3 * logit(probability) - 1)
    assert values(outcome, stretched)["auc"] == values(outcome, probability)["auc"]


def test_a_constant_prediction_tells_nobody_apart_and_has_no_slope() -> None:
    outcome, _ = draw(2)
    found = values(outcome, np.full(len(outcome), 0.3))
    assert found["auc"] == 0.5
    assert np.isnan(found["calibration_slope"])
    assert_allclose(found["calibration_intercept"], logit(outcome.mean()) - logit(0.3), atol=1e-8)


def test_the_auc_counts_pairs_of_one_fold_only() -> None:
    # Each fold's model ranks perfectly; the folds' origins differ so much that across folds the
    # ranking says next to nothing.
    outcome = np.array([0, 0, 1, 0, 1, 1], dtype=float)
    probability = np.array([0.7, 0.8, 0.9, 0.1, 0.2, 0.3])
    folds = np.array([0, 0, 0, 1, 1, 1])
    assert values(outcome, probability, folds)["auc"] == 1.0
    assert values(outcome, probability)["auc"] < 0.6


@given(seed=seeds)
@settings(max_examples=20)
def test_over_folds_the_auc_is_weighted_by_pairs(seed: int) -> None:
    outcome, probability = draw(seed)
    folds = np.sort(np.random.default_rng(seed).integers(0, 3, len(outcome)))
    won, pairs = 0.0, 0.0
    for fold in range(3):
        inside = folds == fold
        count = outcome[inside].sum() * (1 - outcome[inside]).sum()
        if count:
            won += count * roc_auc_score(outcome[inside], probability[inside])
            pairs += count
    assert_allclose(values(outcome, probability, folds)["auc"], won / pairs, atol=1e-12)


def test_a_fold_with_one_outcome_has_no_pairs_and_does_no_harm() -> None:
    outcome = np.array([1, 1, 0, 1], dtype=float)
    probability = np.array([0.1, 0.2, 0.3, 0.4])
    assert values(outcome, probability, np.array([0, 0, 1, 1]))["auc"] == 1.0


def test_true_probabilities_are_calibrated() -> None:
    rng = np.random.default_rng(3)
    probability = expit(rng.normal(0, 1, 200_000))
    outcome = (rng.random(len(probability)) < probability).astype(float)
    found = values(outcome, probability)
    assert_allclose(found["calibration_slope"], 1, atol=0.02)
    assert_allclose(found["calibration_intercept"], 0, atol=0.02)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_predictions_that_are_too_extreme_have_a_slope_below_one(factor: float) -> None:
    rng = np.random.default_rng(4)
    probability = expit(rng.normal(0, 1, 50_000))
    outcome = (rng.random(len(probability)) < probability).astype(float)
    found = values(outcome, expit(factor * logit(probability)))["calibration_slope"]
    assert_allclose(found, 1 / factor, rtol=0.05)


@pytest.mark.parametrize("only", [0.0, 1.0])
def test_with_one_outcome_what_cannot_be_had_is_missing(only: float) -> None:
    outcome, probability = np.full(30, only), np.linspace(0.1, 0.9, 30)
    found = values(outcome, probability)
    missing = {name for name, value in found.items() if np.isnan(value)}
    assert missing == {"auc", "calibration_slope", "calibration_intercept"}


def test_perfectly_separated_outcomes_have_no_calibration_slope() -> None:
    outcome = np.repeat([0.0, 1.0], 20)
    assert np.isnan(values(outcome, np.linspace(0.1, 0.9, 40))["calibration_slope"])


def test_a_certainty_that_was_wrong_costs_much_but_not_everything() -> None:
    found = values(np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.0, 1.0]))
    assert np.isfinite(list(found.values())[:3]).all()


def test_no_rows_give_no_figures() -> None:
    found = values(np.empty(0), np.empty(0))
    assert np.isnan(list(found.values())).all()


def test_predictions_far_from_the_truth_still_have_a_calibration_intercept() -> None:
    outcome = np.tile([0.0, 1.0], 50)
    probability = np.full(100, 1e-6)
    found = calibration_intercept(outcome, probability, np.ones((1, 100)))
    assert_allclose(found, -logit(1e-6), atol=1e-6)


def test_each_interval_contains_its_value() -> None:
    outcome, probability = draw(5, n=300)
    folds = np.arange(300) % 5
    found = binary_metrics(
        outcome, probability[None, :], folds[None, :], np.arange(300), seed=1, resamples=200
    )
    assert set(found) == FIGURES
    for estimate in found.values():
        assert estimate.low < estimate.value < estimate.high


def test_repeats_are_averaged() -> None:
    outcome, first = draw(6)
    second = np.roll(first, 1)
    folds = np.zeros((2, len(outcome)))
    both = binary_metrics(
        outcome, np.stack([first, second]), folds, np.arange(len(outcome)), seed=1, resamples=20
    )
    for name in FIGURES:
        mean = (values(outcome, first)[name] + values(outcome, second)[name]) / 2
        assert_allclose(both[name].value, mean, atol=1e-9)


def test_the_auc_interval_is_as_wide_as_it_should_be() -> None:
    # Repeated sampling from the truth is the oracle of a bootstrap interval's width.
    samples = [draw(seed, n=200) for seed in range(200)]
    spread = np.std([values(*sample)["auc"] for sample in samples])
    outcome, probability = samples[0]
    found = binary_metrics(
        outcome, probability[None], np.zeros((1, 200)), np.arange(200), seed=1, resamples=400
    )["auc"]
    assert_allclose((found.high - found.low) / (2 * 1.96), spread, rtol=0.35)


def test_predictions_do_not_differ_from_themselves() -> None:
    outcome, probability = draw(7)
    found = binary_differences(
        outcome,
        (probability[None], probability[None]),
        np.zeros((1, len(outcome))),
        np.arange(len(outcome)),
        seed=1,
        resamples=20,
    )
    assert {(one.value, one.low, one.high) for one in found.values()} == {(0.0, 0.0, 0.0)}


def test_a_paired_difference_is_surer_than_two_intervals() -> None:
    outcome, probability = draw(8, n=400)
    rng = np.random.default_rng(8)
    noisy = expit(logit(probability) + rng.normal(0, 0.3, 400))
    folds, patients = np.zeros((1, 400)), np.arange(400)
    apart = binary_metrics(outcome, noisy[None], folds, patients, seed=1, resamples=200)["auc"]
    paired = binary_differences(
        outcome, (probability[None], noisy[None]), folds, patients, seed=1, resamples=200
    )["auc"]
    assert paired.high - paired.low < (apart.high - apart.low) / 2


@pytest.mark.parametrize("wrong", [np.nan, -0.1, 1.1])
def test_what_is_no_probability_is_refused(wrong: float) -> None:
    predictions = np.array([[0.2, wrong, 0.4]])
    with pytest.raises(ValueError, match="1 of 3 predictions"):
        binary_statistic(np.array([0.0, 1.0, 1.0]), predictions, np.zeros((1, 3)))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="repeats × 3 rows"):
        binary_statistic(np.zeros(3), np.full((2, 3), 0.5), np.zeros((1, 3)))


@given(seed=seeds)
@settings(max_examples=20)
def test_the_slope_answers_for_weights_however_uneven(seed: int) -> None:
    outcome, probability = draw(seed)
    weights = np.random.default_rng(seed).exponential(size=(3, len(outcome))) ** 4
    found = calibration_slope(outcome, probability, weights)
    rescaled = calibration_slope(outcome, probability, 1000 * weights)
    assert_allclose(rescaled, found, rtol=1e-5)
    fold = np.zeros(len(outcome))
    assert_allclose(
        auc(outcome, probability, fold, 1000 * weights), auc(outcome, probability, fold, weights)
    )
