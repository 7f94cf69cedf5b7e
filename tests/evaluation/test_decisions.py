"""Net benefit and threshold tables against dcurves and plain counting."""

import numpy as np
import pandas as pd
import pytest
from dcurves import dca

from kappredict.evaluation.decisions import THRESHOLDS, net_benefit, threshold_table
from kappredict.evaluation.question import Question


def drawn(n: int = 300, seed: int = 0) -> Question:
    rng = np.random.default_rng(seed)
    probability = rng.beta(2, 3, size=n)
    outcome = (rng.random(n) < probability).astype(float)
    folds = np.zeros((1, n), dtype=int)
    return Question.of_response(outcome, probability[None], folds, np.arange(n))


def line(table: pd.DataFrame, strategy: str) -> np.ndarray:
    return table[table["strategy"] == strategy].sort_values("threshold")["value"].to_numpy()


def test_net_benefit_is_that_of_dcurves() -> None:
    question = drawn()
    table = net_benefit(question, {}, seed=1, resamples=20)
    frame = pd.DataFrame({"outcome": question.outcome, "model": question.probability[0]})
    oracle = dca(data=frame, outcome="outcome", modelnames=["model"], thresholds=THRESHOLDS)
    for ours, theirs in (("model", "model"), ("act on all", "all"), ("act on none", "none")):
        expected = oracle[oracle["model"] == theirs].sort_values("threshold")["net_benefit"]
        np.testing.assert_allclose(line(table, ours), expected.to_numpy(), atol=1e-9)


def test_weights_count_rows_that_often() -> None:
    question = drawn(200)
    weights = np.random.default_rng(1).integers(1, 4, size=200)
    weighed = Question.of_response(
        question.outcome, question.probability, question.folds, question.patients, weights
    )
    many = np.repeat(np.arange(200), weights)
    repeated = Question.of_response(
        question.outcome[many],
        question.probability[:, many],
        question.folds[:, many],
        np.arange(len(many)),
    )
    first, second = (net_benefit(one, {}, seed=1, resamples=2) for one in (weighed, repeated))
    np.testing.assert_allclose(line(first, "model"), line(second, "model"), atol=1e-12)


def test_a_model_of_noise_gains_nothing_over_the_better_simple_choice() -> None:
    rng = np.random.default_rng(3)
    outcome = (rng.random(400) < 0.4).astype(float)
    noise = rng.uniform(0.2, 0.6, size=(1, 400))
    question = Question.of_response(outcome, noise, np.zeros((1, 400), dtype=int), np.arange(400))
    table = net_benefit(question, {}, seed=1, resamples=200)
    gain = table[table["strategy"] == "model − best alternative"]
    assert (gain["low"] <= 0.0).all()


def test_a_threshold_table_counts_patients() -> None:
    question = drawn()
    table = threshold_table(question, (0.4,), seed=1, resamples=20).set_index("figure")["value"]
    flagged = question.probability[0] >= 0.4
    sick = question.outcome == 1
    assert table["sensitivity"] == pytest.approx((flagged & sick).sum() / sick.sum())
    assert table["specificity"] == pytest.approx((~flagged & ~sick).sum() / (~sick).sum())
    assert table["ppv"] == pytest.approx((flagged & sick).sum() / flagged.sum())
    assert table["npv"] == pytest.approx((~flagged & ~sick).sum() / (~flagged).sum())
    assert table["hits per 100"] + table["missed per 100"] == pytest.approx(100 * sick.mean())
