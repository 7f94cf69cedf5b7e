"""Laws of the limits: intervals widen where less is known, and some patients get no prediction."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from learning import relapse_rows, response_rows, rows_of
from scipy.special import expit

from kappredict.estimators.applicability import Applicability
from kappredict.estimators.candidates import Logistic, PooledHazard
from kappredict.estimators.fit import FittedModel, Rows, fit_model
from kappredict.estimators.limits import HALF, Limits, limits_of
from kappredict.estimators.targets import YesNo
from kappredict.estimators.uncertainty import fit_uncertainty
from kappredict.estimators.working import log_time, logistic, posterior_mode

LOGISTIC = Logistic(model="logistic", inverse_penalty=0.1)


def fitted(rows: Rows) -> tuple[FittedModel, Limits]:
    model = fit_model(rows, [LOGISTIC], folds=3, seed=1)
    return model, limits_of(model, rows)


def test_more_patients_leave_less_open() -> None:
    widths = []
    for size in (150, 600, 2400):
        rows = response_rows(rows=size)
        model, limits = fitted(rows)
        matrix = model.encoder.transform(rows.features)
        widths.append(np.sqrt(limits.uncertainty.sampling(matrix)).mean())
    assert widths[0] > widths[1] > widths[2]


def test_what_is_not_known_widens_the_interval() -> None:
    rows = response_rows(rows=600)
    model, limits = fitted(rows)
    matrix = model.encoder.transform(rows.features)
    signal = [column.feature for column in model.encoder.columns].index("signal")
    unknown = matrix.copy()
    unknown[:, signal] = np.nan
    typical = np.abs(matrix[:, signal] - np.median(matrix[:, signal])) < 0.2
    before = limits.uncertainty.spread(matrix)[typical]
    assert (limits.uncertainty.spread(unknown)[typical] > before).all()


def test_sites_that_differ_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    sites = rng.integers(20, size=3000)
    columns, weights = rng.normal(size=(3000, 3)), np.ones(3000)
    found = []
    for between in (0.0, 0.7):
        level = between * rng.normal(size=20)
        odds = columns[:, 0] * 0.5 + level[sites]
        outcome = (rng.random(3000) < expit(odds)).astype(float)
        working = logistic(outcome)
        found.append(float(fit_uncertainty(columns, sites, working, weights, 0.0).between_sites))
    assert found[0] < 0.3
    assert 0.5 < found[1] < 0.9


def test_those_lost_widen_the_interval() -> None:
    rows = response_rows(rows=600)
    outcome = rows.target.fitted_on.copy()
    outcome[::2] = np.nan
    lost = replace(rows, target=YesNo(outcome))
    assert fitted(lost)[1].uncertainty.lost > fitted(rows)[1].uncertainty.lost == 0


def test_nine_of_ten_intervals_hold_the_true_probability() -> None:
    held = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        columns = rng.normal(size=(500, 8))
        effects = rng.normal(scale=0.6 / np.sqrt(8), size=8)
        sites = np.array([f"site-{one}" for one in rng.integers(12, size=500)])
        truth = columns @ effects
        outcome = (rng.random(500) < expit(truth)).astype(float)
        uncertainty = fit_uncertainty(columns, sites, logistic(outcome), np.ones(500), 0.0)
        design = np.column_stack([np.ones(500), columns])
        mode, _, _ = posterior_mode(
            design, logistic(outcome), np.ones(500), np.array([1e-4] + [8 / 0.36] * 8)
        )
        within = np.sqrt(uncertainty.sampling(columns))
        held.append(np.mean(np.abs(design @ mode - truth) <= HALF * within))
    assert 0.85 < np.mean(held) < 0.97


@pytest.mark.parametrize("rows", [response_rows(), relapse_rows()], ids=["response", "relapse"])
def test_limits_survive_being_saved(rows: Rows, tmp_path: Path) -> None:
    candidate = LOGISTIC if isinstance(rows.target, YesNo) else PooledHazard(model="pooled_hazard")
    model = fit_model(rows, [candidate], folds=3, seed=1)
    limits, matrix = limits_of(model, rows), model.encoder.transform(rows.features)
    limits.save(tmp_path)
    again = Limits.load(tmp_path)
    np.testing.assert_array_equal(
        again.uncertainty.spread(matrix), limits.uncertainty.spread(matrix)
    )
    assert again.objections(matrix) == limits.objections(matrix)


def test_no_training_patient_lies_outside_and_a_strange_one_does() -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(size=500)
    columns = np.column_stack([first, first + 0.2 * rng.normal(size=500)])
    applicability = Applicability.fit(columns, variance=4.0)
    assert not applicability.outside(columns).any()
    # Each value is usual; together they are not.
    assert applicability.outside(np.array([[2.0, -2.0]])).all()


def test_less_is_known_of_an_unusual_patient_than_of_a_typical_one() -> None:
    rng = np.random.default_rng(0)
    columns, outcome = rng.normal(size=(400, 2)), rng.integers(2, size=400).astype(float)
    sites = np.full(400, "one")
    uncertainty = fit_uncertainty(columns, sites, logistic(outcome), np.ones(400), 0.0)
    far, near = (uncertainty.sampling(np.full((1, 2), value)).item() for value in (3.0, 0.0))
    assert far > near


def test_a_patient_like_too_few_gets_no_prediction() -> None:
    table = response_rows(rows=30).features
    rows = rows_of(table, YesNo(np.tile([0.0, 1.0], 15)))
    model, limits = fitted(rows)
    matrix = model.encoder.transform(rows.features)
    reasons = limits.objections(matrix)
    assert any("too few patients like this" in reason for reason in reasons)


def test_the_time_likelihood_is_that_of_a_poisson_count() -> None:
    relapsed, day = np.array([1.0, 0.0]), np.log(np.array([30.0, 90.0]))
    at, step = np.array([4.0, 4.5]), 1e-5

    def likelihood(location: np.ndarray) -> np.ndarray:
        standard = (day - location) / 0.8
        return relapsed * standard - np.exp(standard)

    gradient = (likelihood(at + step) - likelihood(at - step)) / (2 * step)
    curvature, response = log_time(relapsed, day, 0.8)(at)
    np.testing.assert_allclose(curvature * (response - at), gradient, rtol=1e-6)
