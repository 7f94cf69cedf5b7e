"""What matters to a model: planted signal is found, planted noise is not."""

import numpy as np
import pandas as pd
import pytest
from learning import response_rows

from kappredict.estimators.candidates import BoostedTrees, Logistic
from kappredict.evaluation.settings import ExplanationSettings
from kappredict.explanation.dependence import NOT_KNOWN, dependence_table
from kappredict.explanation.figures import comparison_figures, differences, importance_figure
from kappredict.explanation.held_out import HeldOut, group_matrix, held_out
from kappredict.explanation.importance import noise_floor

SETTINGS = ExplanationSettings(folds=3, shuffled_outcomes=20, refits=False, resamples=50)
ROWS = response_rows(rows=600, effect=1.0)
SPECS = ROWS.features.specs


@pytest.fixture(scope="module")
def found() -> HeldOut:
    return held_out(ROWS, Logistic(model="logistic"), folds=3, refits=True, seed=1)


def moved(found: HeldOut) -> pd.Series:
    groups, belongs = group_matrix(SPECS)
    return pd.Series(np.abs(found.shares @ belongs).mean(axis=0), index=groups)


def test_every_row_is_explained_by_a_model_that_did_not_see_it(found: HeldOut) -> None:
    assert found.rows.tolist() == ROWS.judged.tolist()
    assert (found.folds >= 0).all()
    np.testing.assert_allclose(found.shares.sum(axis=1) + found.expected, found.margins)


def test_signal_lies_above_the_noise_and_noise_does_not(found: HeldOut) -> None:
    floor = noise_floor(ROWS, Logistic(model="logistic"), SETTINGS, 1, 1.0)["shap"]
    strength = moved(found)
    above = set(strength[strength > floor.reindex(strength.index)].index)
    assert strength.idxmax() in above
    assert len(above) < len(strength)


def test_without_the_fact_that_matters_predictions_are_worse(found: HeldOut) -> None:
    outcome = ROWS.target.fitted_on[found.rows]
    strongest = moved(found).idxmax()

    def gap(margins: np.ndarray) -> float:
        return float(margins[outcome == 1].mean() - margins[outcome == 0].mean())

    assert gap(found.without[strongest][0]) < gap(found.margins)
    assert gap(found.shuffled[strongest].mean(axis=0)) < gap(found.margins)


def test_trees_are_explained_the_same_way() -> None:
    trees = held_out(
        ROWS, BoostedTrees(model="boosted_trees", rounds=20), folds=2, refits=False, seed=1
    )
    np.testing.assert_allclose(trees.shares.sum(axis=1) + trees.expected, trees.margins, atol=1e-4)
    assert (
        moved(trees).idxmax()
        == moved(held_out(ROWS, Logistic(model="logistic"), folds=2, refits=False, seed=1)).idxmax()
    )


def test_dependence_counts_every_course_once_a_feature(found: HeldOut) -> None:
    groups, _ = group_matrix(SPECS)
    patients = ROWS.patients[found.rows]
    table = ROWS.features.take(found.rows)
    dependence = dependence_table(table, found.shares, groups, patients, seed=1, resamples=20)
    counts = dependence.groupby("feature")["n"].sum()
    assert (counts <= len(found.rows)).all()
    assert (counts > 0.95 * len(found.rows)).all()
    missing = dependence[dependence["value"] == NOT_KNOWN]
    assert missing["at"].isna().all()


def test_shares_of_a_whole_are_compared_between_models() -> None:
    table = pd.DataFrame(
        {
            "group": ["a", "b"],
            "measure": "shap",
            "value": [3.0, 1.0],
            "low": [2.0, 0.5],
            "high": [4.0, 1.5],
            "rank": [1.0, 2.0],
            "noise": [1.0, 1.0],
            "signal": [True, False],
        }
    )
    every = differences({"one": table, "other": table.assign(value=[1.0, 1.0])})
    assert every.groupby("model")["share"].sum().tolist() == pytest.approx([100, 100])
    assert comparison_figures({"response": {"one": table}}, synthetic=False) == {}
    drawn = importance_figure(table, "shap", synthetic=True)
    assert {trace.name for trace in drawn.data} >= {"more than noise", "not more than noise"}
    assert "synthetic" in drawn.layout.title.text
