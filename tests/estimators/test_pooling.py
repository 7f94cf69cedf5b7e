"""Laws of partial pooling: a small condition leans on the others, a large one stands by itself."""

from dataclasses import replace

import numpy as np
from learning import relapse_rows, response_rows
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from kappredict.estimators.candidates import Logistic, PooledHazard, PooledLogistic, WeibullAFT
from kappredict.estimators.fit import Rows, fit_model, stack_rows
from kappredict.estimators.matrix import TrainingMatrix
from kappredict.estimators.pooling import PooledLogistic as Pooled


def stacked(own: int, kin: int, effect: float, kin_effect: float) -> Rows:
    first = response_rows(seed=1, rows=own, effect=effect)
    second = response_rows(seed=5, rows=kin, effect=kin_effect)
    others = np.array([f"q{number // 2}" for number in range(kin)], dtype=object)
    return stack_rows([first, replace(second, patients=others)])


def discrimination(rows: Rows, candidate: Logistic | PooledLogistic) -> float:
    model = fit_model(rows, [candidate], folds=3, seed=1)
    tested = response_rows(seed=11, rows=2000)
    return float(roc_auc_score(tested.target.fitted_on, model.margins(tested.features)))


def test_a_small_condition_gains_from_another_with_the_same_effects() -> None:
    rows = stacked(own=40, kin=1500, effect=0.8, kin_effect=0.8)
    pooled = discrimination(rows, PooledLogistic(model="pooled_logistic"))
    alone = discrimination(rows, Logistic(model="logistic"))
    assert pooled > alone


def test_a_large_condition_is_not_led_astray_by_another_with_opposite_effects() -> None:
    rows = stacked(own=1500, kin=1500, effect=0.8, kin_effect=-0.8)
    settings = PooledLogistic(model="pooled_logistic", inverse_penalty=1.0, own_scale=1.0)
    assert discrimination(rows, settings) > 0.65


def test_with_one_condition_it_is_ridge_regression() -> None:
    rng = np.random.default_rng(0)
    columns, outcome = rng.normal(size=(300, 4)), rng.integers(2, size=300).astype(float)
    matrix = TrainingMatrix(columns, outcome, np.ones(300), np.zeros(4), np.zeros(300, dtype=int))
    margin = Pooled(model="pooled_logistic", inverse_penalty=0.05, own_scale=0.0).fit(matrix, 1)
    scaled = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    oracle = LogisticRegression(C=0.05, tol=1e-10).fit(scaled, outcome)
    np.testing.assert_allclose(margin.values(columns), oracle.decision_function(scaled), atol=5e-3)


def test_pooled_times_of_one_condition_rank_like_lifelines() -> None:
    rows = relapse_rows(rows=400)
    ours, theirs = (
        fit_model(rows, [one], folds=3, seed=1).margins(rows.features)
        for one in (
            PooledHazard(model="pooled_hazard", inverse_penalty=1.0, own_scale=0.0),
            WeibullAFT(model="weibull_aft", penalty=0.001),
        )
    )
    assert np.corrcoef(ours, theirs)[0, 1] > 0.99
