"""Subgroups: figures of the group alone, small groups hidden, the worst one named."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from kappredict.evaluation.question import Question
from kappredict.evaluation.subgroups import by_subgroup

N = 400


@pytest.fixture(scope="module")
def question() -> Question:
    rng = np.random.default_rng(0)
    probability = rng.uniform(0.1, 0.9, size=N)
    outcome = (rng.random(N) < probability).astype(float)
    outcome[:100] = rng.integers(2, size=100)  # the model knows nothing of the first hundred
    return Question.of_response(
        outcome, probability[None], np.zeros((1, N), dtype=int), np.arange(N)
    )


def divided(sizes: dict[str, int]) -> pd.Series:
    return pd.Series(np.repeat(list(sizes), list(sizes.values())), dtype="str")


def test_a_group_has_the_figures_of_its_own_rows(question: Question) -> None:
    found = by_subgroup(question, {"site": divided({"a": 100, "b": 300})}, seed=1, resamples=20)
    rows = found.table.set_index(["group", "figure"])["value"]
    outcome, probability = question.outcome[100:], question.probability[0, 100:]
    assert rows["b", "auc"] == pytest.approx(roc_auc_score(outcome, probability))
    assert rows["b", "brier"] == pytest.approx(brier_score_loss(outcome, probability))


def test_the_worst_group_is_named(question: Question) -> None:
    found = by_subgroup(question, {"site": divided({"a": 100, "b": 300})}, seed=1, resamples=20)
    worst = found.worst("auc")
    assert worst is not None
    assert worst[:2] == ("site", "a")


def test_a_small_group_shows_neither_its_size_nor_a_figure(question: Question) -> None:
    found = by_subgroup(question, {"sex": divided({"other": 7, "rest": 393})}, seed=1, resamples=20)
    row = found.table[found.table["group"] == "other"].iloc[0]
    assert row["n"] == "fewer than 20"
    assert np.isnan(row["value"])


def test_somebody_without_the_fact_is_in_no_group(question: Question) -> None:
    column = divided({"a": 200, "b": 200}).mask(pd.Series(np.arange(N) % 2 == 0))
    found = by_subgroup(question, {"race": column}, seed=1, resamples=20)
    assert set(found.table["n"]) == {"100"}
