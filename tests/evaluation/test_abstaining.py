"""Answering only where the model is sure: better where width means anything."""

import numpy as np
import pytest

from kappredict.evaluation.abstaining import by_width, trade_off
from kappredict.evaluation.question import Question

N = 1200


@pytest.fixture(scope="module")
def drawn() -> tuple[Question, np.ndarray]:
    rng = np.random.default_rng(0)
    width = rng.uniform(size=N)
    truth = rng.normal(size=N)
    said = truth + 2 * width * rng.normal(size=N)
    outcome = (rng.random(N) < 1 / (1 + np.exp(-2 * truth))).astype(float)
    probability = 1 / (1 + np.exp(-said))
    folds = np.zeros((1, N), dtype=int)
    return Question.of_response(outcome, probability[None], folds, np.arange(N)), width


def test_the_surest_are_told_apart_best(drawn: tuple[Question, np.ndarray]) -> None:
    table = trade_off(*drawn, seed=1, resamples=20)
    auc = table[table["figure"] == "auc"].set_index("share")["value"]
    assert auc[0.2] > auc[0.6] > auc[1.0]


def test_answering_everybody_is_the_plain_figure(drawn: tuple[Question, np.ndarray]) -> None:
    question, width = drawn
    table = trade_off(question, width, seed=1, resamples=20)
    brier = table[(table["figure"] == "brier") & (table["share"] == 1.0)]["value"].item()
    assert brier == pytest.approx(((question.outcome - question.probability[0]) ** 2).mean())


def test_groups_of_width_are_thirds(drawn: tuple[Question, np.ndarray]) -> None:
    table = by_width(*drawn, seed=1, resamples=20)
    assert list(dict.fromkeys(table["group"])) == ["narrow", "middling", "wide"]
    assert set(table["n"]) == {N // 3}


def test_too_few_of_either_outcome_give_no_figure() -> None:
    outcome = np.zeros(60)
    outcome[:12] = 1
    probability = np.linspace(0.1, 0.9, 60)[None]
    folds = np.zeros((1, 60), dtype=int)
    question = Question.of_response(outcome, probability, folds, np.arange(60))
    table = trade_off(question, np.linspace(0, 1, 60), seed=1, resamples=20)
    assert 0.1 not in set(table["share"])
