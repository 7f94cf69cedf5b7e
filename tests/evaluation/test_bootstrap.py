"""The bootstrap by patient, and the interval that comes of it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from kappredict.evaluation import bootstrap as module
from kappredict.evaluation.bootstrap import bootstrap, difference, drawn_weights
from kappredict.evaluation.estimate import Estimate

PATIENTS = np.array(["a", "b", "b", "c", "d", "d", "d", "e"], dtype=object)


def mean_of(column: np.ndarray):
    return lambda weights: {"mean": weights @ column / weights.sum(axis=1)}


def drawn(patients: np.ndarray, seed: int = 1, resamples: int = 300) -> np.ndarray:
    return np.concatenate(list(drawn_weights(patients, seed, resamples)))


def test_all_rows_of_a_patient_are_drawn_together() -> None:
    weights = drawn(PATIENTS)
    for name in set(PATIENTS):
        rows = weights[:, name == PATIENTS]
        assert (rows == rows[:, :1]).all()


def test_each_resample_draws_as_many_patients_as_there_are() -> None:
    first = np.unique(PATIENTS, return_index=True)[1]
    assert (drawn(PATIENTS)[:, first].sum(axis=1) == 5).all()


def test_every_patient_is_as_likely_to_be_drawn() -> None:
    assert_allclose(drawn(np.arange(20), resamples=20_000).mean(axis=0), 1, atol=0.03)


def test_a_seed_gives_the_same_resamples_whatever_the_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = drawn(PATIENTS)
    monkeypatch.setattr(module, "_BLOCK", 50)
    assert (drawn(PATIENTS) == whole).all()
    assert (drawn(PATIENTS, seed=2) != whole).any()


def test_the_interval_of_a_mean_is_that_of_theory() -> None:
    column = np.random.default_rng(1).normal(5, 2, 400)
    found = bootstrap(mean_of(column), np.arange(400), seed=1, resamples=2000)["mean"]
    half = 1.96 * column.std() / np.sqrt(400)
    assert_allclose(found.value, column.mean())
    expected = [column.mean() - half, column.mean() + half]
    assert_allclose([found.low, found.high], expected, atol=0.02)


def test_patients_with_several_rows_widen_the_interval() -> None:
    column = np.repeat(np.random.default_rng(1).normal(size=100), 5)
    alone = bootstrap(mean_of(column), np.arange(500), seed=1, resamples=500)["mean"]
    together = bootstrap(mean_of(column), np.arange(500) // 5, seed=1, resamples=500)["mean"]
    assert (together.high - together.low) > 1.8 * (alone.high - alone.low)


def test_observation_weights_weigh_the_value_and_every_resample() -> None:
    column = np.random.default_rng(1).normal(size=50)
    weights = np.where(np.arange(50) < 25, 1.0, 0.0)
    found = bootstrap(mean_of(column), np.arange(50), seed=1, resamples=200, weights=weights)
    assert_allclose(found["mean"].value, column[:25].mean())
    assert column[:25].min() < found["mean"].low


def test_a_difference_is_paired_resample_by_resample() -> None:
    column = np.random.default_rng(1).normal(size=50)
    shifted = difference(mean_of(column + 1), mean_of(column))
    found = bootstrap(shifted, np.arange(50), seed=1, resamples=100)["mean"]
    assert_allclose([found.value, found.low, found.high], 1)


def test_few_undefined_resamples_are_left_out() -> None:
    resampled = np.append(np.linspace(0, 1, 98), [np.nan, np.inf])
    found = Estimate.from_resamples(0.5, resampled)
    assert_allclose([found.low, found.high], [0.025, 0.975], atol=1e-12)


@pytest.mark.parametrize(
    "resampled", [np.append(np.linspace(0, 1, 90), np.full(10, np.nan)), np.empty(0)]
)
def test_many_undefined_resamples_leave_a_value_without_interval(resampled: np.ndarray) -> None:
    found = Estimate.from_resamples(0.5, resampled)
    assert found.value == 0.5
    assert np.isnan([found.low, found.high]).all()


def test_an_undefined_value_has_no_interval() -> None:
    found = Estimate.from_resamples(np.nan, np.linspace(0, 1, 100))
    assert np.isnan([found.value, found.low, found.high]).all()
