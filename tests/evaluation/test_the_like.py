"""The chances of those lost are those of the like, and as unsure as the assessed leave them."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.special import expit

from kappredict.domain.features import ColumnFeature, FeatureSpec
from kappredict.estimators.observation import FollowUp
from kappredict.evaluation.the_like import ChancesOfTheLike
from kappredict.features.table import FeatureTable

N = 800
ONES = np.ones(N)


@pytest.fixture(scope="module")
def signal() -> np.ndarray:
    return np.random.default_rng(0).normal(size=N)


@pytest.fixture(scope="module")
def outcome(signal: np.ndarray) -> np.ndarray:
    """Response by the signal, lost by it too: those who do badly are lost."""
    rng = np.random.default_rng(1)
    answer = (rng.random(N) < expit(signal)).astype(float)
    return np.where(rng.random(N) < expit(signal - 0.4), answer, np.nan)


def table(signal: np.ndarray) -> FeatureTable:
    recipe = ColumnFeature(table="patients", column="a", label="a", group="a", kind="numeric")
    spec = FeatureSpec(name="a", label="a", kind="numeric", group="a", recipe=recipe)
    return FeatureTable(pd.DataFrame({"a": signal}), (spec,))


def fit(signal: np.ndarray, outcome: np.ndarray, weights: np.ndarray) -> ChancesOfTheLike:
    return ChancesOfTheLike.fit(FollowUp.at_once(table(signal)), outcome, weights)


def test_the_lost_get_the_true_chance_of_the_like(signal: np.ndarray, outcome: np.ndarray) -> None:
    lost = np.isnan(outcome)
    chances = fit(signal, outcome, ONES).drawn(ONES[None])[0]
    assert abs(chances[lost].mean() - expit(signal[lost]).mean()) < 0.05
    assert np.corrcoef(chances[lost], expit(signal[lost]))[0, 1] > 0.99


def test_those_assessed_have_their_outcome_and_no_chance(
    signal: np.ndarray, outcome: np.ndarray
) -> None:
    chances = fit(signal, outcome, ONES).drawn(ONES[None])[0]
    assert_array_equal(chances > 0, np.isnan(outcome))


def test_chances_move_with_a_resample_as_those_of_a_model_fitted_to_it(
    signal: np.ndarray, outcome: np.ndarray
) -> None:
    lost = np.isnan(outcome)
    like = fit(signal, outcome, ONES)
    drawn = np.random.default_rng(2).multinomial(N, ONES / N, size=30).astype(float)
    moved = like.drawn(drawn)[:, lost].mean(axis=1)
    fitted = [fit(signal, outcome, one).drawn(ONES[None])[0, lost].mean() for one in drawn]
    assert np.corrcoef(moved, fitted)[0, 1] > 0.98
    assert np.std(moved) == pytest.approx(np.std(fitted), rel=0.1)


def test_with_nobody_lost_there_is_nobody_to_give_a_chance(signal: np.ndarray) -> None:
    assert not fit(signal, (signal > 0).astype(float), ONES).parts
