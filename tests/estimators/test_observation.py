"""Observation weights: those assessed stand for those who were not, in all that is recorded."""

import time

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit

from kappredict.domain.features import ColumnFeature, FeatureSpec
from kappredict.estimators.observation import LEAST_EITHER_SIDE, observation_weights
from kappredict.features.table import FeatureTable

ROWS = 4000
RNG = np.random.default_rng(1)
SCORE = RNG.normal(size=ROWS)
KNOWN = RNG.random(ROWS) < expit(SCORE - 0.5)


def table(**columns: np.ndarray) -> FeatureTable:
    return FeatureTable(pd.DataFrame(columns), tuple(spec(name) for name in columns))


def spec(name: str) -> FeatureSpec:
    recipe = ColumnFeature(
        table="courses", column=name, label=name, group=name, kind="numeric", unit="1"
    )
    return FeatureSpec(name=name, label=name, kind="numeric", unit="1", group=name, recipe=recipe)


def test_weights_average_one_over_those_assessed_and_are_zero_elsewhere() -> None:
    weights = observation_weights(table(score=SCORE), KNOWN)
    assert weights[KNOWN].mean() == pytest.approx(1)
    assert (weights[KNOWN] > 0).all()
    assert_array_equal(weights[~KNOWN], 0)


def test_those_assessed_look_like_everybody_once_weighted() -> None:
    weights = observation_weights(table(score=SCORE), KNOWN)
    before = SCORE[KNOWN].mean() - SCORE.mean()
    after = np.average(SCORE, weights=weights) - SCORE.mean()
    assert before > 0.3
    assert abs(after) < 0.2 * before


def test_weights_are_the_inverse_of_the_share_assessed_in_each_group() -> None:
    group = RNG.integers(2, size=ROWS).astype(float)
    known = RNG.random(ROWS) < np.where(group == 1, 0.8, 0.2)
    weights = observation_weights(table(group=group), known)
    ratio = weights[known & (group == 0)].mean() / weights[known & (group == 1)].mean()
    shares = known[group == 1].mean() / known[group == 0].mean()
    assert ratio == pytest.approx(shares, rel=0.1)


def test_that_a_measurement_is_on_record_tells_who_stays() -> None:
    measured = RNG.random(ROWS) < 0.5
    known = RNG.random(ROWS) < np.where(measured, 0.8, 0.3)
    weights = observation_weights(table(lab=np.where(measured, SCORE, np.nan)), known)
    assert weights[known & ~measured].mean() > 2 * weights[known & measured].mean()


def test_a_course_unlike_all_others_cannot_outweigh_them() -> None:
    extreme = SCORE.copy()
    extreme[0] = -40
    known = KNOWN.copy()
    known[0] = True
    weights = observation_weights(table(score=extreme), known)
    # It weighs as much as the others beyond the 99th percentile.
    assert np.isclose(weights, weights[0]).sum() >= 0.01 * known.sum()


@pytest.mark.parametrize("fewer", [0, LEAST_EITHER_SIDE - 1])
@pytest.mark.parametrize("side", [True, False])
def test_all_weigh_one_where_next_to_all_or_none_were_assessed(fewer: int, *, side: bool) -> None:
    known = np.full(ROWS, side)
    known[:fewer] = not side
    assert_array_equal(observation_weights(table(score=SCORE), known), known.astype(float))


def test_all_weigh_one_where_nothing_is_recorded() -> None:
    nothing = table(empty=np.full(ROWS, np.nan))
    assert_array_equal(observation_weights(nothing, KNOWN), KNOWN.astype(float))


def test_the_order_of_rows_does_not_matter() -> None:
    order = RNG.permutation(ROWS)
    straight = observation_weights(table(score=SCORE), KNOWN)
    shuffled = observation_weights(table(score=SCORE[order]), KNOWN[order])
    assert_allclose(shuffled, straight[order], rtol=1e-4)


def test_a_fold_of_two_thousand_courses_is_weighted_in_well_under_a_second() -> None:
    rows, columns = 2000, 230
    values = RNG.normal(size=(rows, columns))
    values[RNG.random(values.shape) < 0.3] = np.nan
    wide = table(**{f"column_{place}": values[:, place] for place in range(columns)})
    start = time.process_time()
    observation_weights(wide, KNOWN[:rows])
    assert time.process_time() - start < 1
