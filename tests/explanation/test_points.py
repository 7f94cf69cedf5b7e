"""Points against exact Shapley values, on models small enough to list every subset of."""

import json
from collections.abc import Callable, Sequence
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kappredict.estimators.calibration import LogitCalibration
from kappredict.estimators.candidates import BoostedAFT, BoostedTrees, Logistic, WeibullAFT
from kappredict.estimators.hazard import HazardCalibration
from kappredict.estimators.margins import LinearMargin, TreeMargin
from kappredict.estimators.matrix import TrainingMatrix
from kappredict.explanation.points import to_points

COLUMNS, ROWS = 5, 300
DAYS = np.array([30.0, 90.0, 180.0])


def shapley(value: Callable[[frozenset[int]], np.ndarray], parts: int) -> np.ndarray:
    """The Shapley value by its definition: the mean gain over all orders (Shapley 1953)."""
    gains = []
    for part in range(parts):
        others = [one for one in range(parts) if one != part]
        total = np.zeros_like(value(frozenset()))
        for size in range(parts):
            share = factorial(size) * factorial(parts - size - 1) / factorial(parts)
            for chosen in combinations(others, size):
                total += share * (value(frozenset((*chosen, part))) - value(frozenset(chosen)))
        gains.append(total)
    return np.array(gains)


def drawn(relapse: bool) -> TrainingMatrix:
    rng = np.random.default_rng(5)
    columns = rng.normal(size=(ROWS, COLUMNS))
    signal = columns[:, 0] - 0.7 * columns[:, 1] * (columns[:, 2] > 0)
    if relapse:
        days = 120 * np.exp(0.8 * signal) * rng.weibull(1.2, ROWS)
        outcome = np.column_stack([days, np.where(days < 300, days, np.inf)])
    else:
        outcome = (rng.random(ROWS) < 1 / (1 + np.exp(-signal))).astype(float)
    ones, own = np.ones(ROWS), np.zeros(ROWS, dtype=int)
    return TrainingMatrix(columns, outcome, ones, np.zeros(COLUMNS), own)


def expectation(tree: dict[str, Any], row: np.ndarray, known: frozenset[int]) -> float:
    """What a tree says when some columns are known: it follows them, and else its training rows."""
    if "leaf" in tree:
        return float(tree["leaf"])
    column = int(tree["split"].removeprefix("f"))
    below, above = (
        next(child for child in tree["children"] if child["nodeid"] == tree[side])
        for side in ("yes", "no")
    )
    if column in known:
        chosen = below if np.float32(row[column]) < np.float32(tree["split_condition"]) else above
        return expectation(chosen, row, known)
    weight = below["cover"] / (below["cover"] + above["cover"])
    return weight * expectation(below, row, known) + (1 - weight) * expectation(above, row, known)


@pytest.mark.parametrize("relapse", [False, True])
def test_shares_of_trees_are_exact_shapley_values(relapse: bool) -> None:
    rows = drawn(relapse)
    small = (
        BoostedAFT(model="boosted_aft", rounds=8)
        if relapse
        else BoostedTrees(model="boosted_trees", rounds=8)
    )
    margin = small.fit(rows, 1)
    assert isinstance(margin, TreeMargin)
    trees = [
        json.loads(one) for one in margin.booster.get_dump(with_stats=True, dump_format="json")
    ]
    shares = margin.contributions(rows.columns[:5])
    for row, found in zip(rows.columns[:5], shares, strict=True):

        def value(known: frozenset[int], row: np.ndarray = row) -> np.ndarray:
            return np.array(sum(expectation(tree, row, known) for tree in trees))

        np.testing.assert_allclose(found[:-1], shapley(value, COLUMNS), atol=1e-5)


@pytest.mark.parametrize("relapse", [False, True])
def test_shares_of_lines_are_exact_shapley_values(relapse: bool) -> None:
    rows = drawn(relapse)
    small = WeibullAFT(model="weibull_aft") if relapse else Logistic(model="logistic")
    margin = small.fit(rows, 1)
    assert isinstance(margin, LinearMargin)
    mean = rows.columns.mean(axis=0)
    for row in rows.columns[:5]:

        def value(known: frozenset[int], row: np.ndarray = row) -> np.ndarray:
            mixed = np.where([column in known for column in range(COLUMNS)], row, mean)
            return margin.values(mixed[None, :])[0]

        found = margin.contributions(row[None, :])[0, :-1]
        np.testing.assert_allclose(found, shapley(value, COLUMNS), atol=1e-5)


def relapse_calibration() -> HazardCalibration:
    rng = np.random.default_rng(2)
    margins = rng.normal(size=ROWS)
    seen = 150 * np.exp(0.7 * margins) * rng.weibull(1.1, ROWS)
    event = (seen < 300).astype(int)
    return HazardCalibration.fit(margins, np.minimum(seen, 300), event, np.ones(ROWS))


shares_of_rows = arrays(np.float64, (4, COLUMNS), elements=st.floats(-1.5, 1.5))


@given(shares=shares_of_rows, expected=st.floats(-2, 2))
def test_points_add_up_to_the_change_of_the_probability(
    shares: np.ndarray, expected: float
) -> None:
    start = np.full(4, expected)
    for calibration, days in (
        (LogitCalibration(0.2, 1.0), np.empty(0)),
        (relapse_calibration(), DAYS),
    ):
        points = to_points(calibration, shares, start, days)
        rise = calibration.at(start + shares.sum(axis=1), days) - calibration.at(start, days)
        np.testing.assert_allclose(points.sum(axis=1), 100 * rise, atol=1e-6)


@given(shares=shares_of_rows)
def test_points_keep_the_signs_and_the_order_of_the_shares(shares: np.ndarray) -> None:
    points = to_points(LogitCalibration(0.0, 1.0), shares, np.zeros(4), np.empty(0))[:, :, 0]
    assert (np.sign(points) * np.sign(shares) >= 0).all()
    for share, point in zip(shares, points, strict=True):
        assert (np.diff(point[np.argsort(share)]) >= -1e-9).all()


def test_a_share_so_small_that_it_cannot_be_divided_by_still_has_points() -> None:
    shares = np.array([[0.5, -0.5]])
    points = to_points(LogitCalibration(0.0, 1.0), shares, np.zeros(1), np.empty(0))[0, :, 0]
    np.testing.assert_allclose(points, [12.5, -12.5], atol=1e-4)  # a quarter of the log-odds


def differences_from_exact(rows: int) -> np.ndarray:
    """Points minus the exact Shapley values of the probability itself, over drawn shares."""
    rng = np.random.default_rng(4)
    # A sound model's margin varies by about half a unit between patients (design, section 8).
    shares, start = rng.normal(0, 0.22, (rows, COLUMNS)), rng.normal(0, 0.5, rows)
    calibration = relapse_calibration()
    points = to_points(calibration, shares, start, DAYS)
    exact = [
        shapley(lambda known, at=at, own=own: of_parts(calibration, at, own, known), COLUMNS)
        for at, own in zip(start, shares, strict=True)
    ]
    return points - 100 * np.array(exact)


def of_parts(
    calibration: HazardCalibration, start: float, shares: np.ndarray, known: Sequence[int]
) -> np.ndarray:
    """The probability of staying well when only some parts have moved the margin."""
    return calibration.at(np.array([start + shares[list(known)].sum()]), DAYS)[0]


def test_points_are_close_to_exact_shapley_values_of_the_probability_itself() -> None:
    # They are another value of the same game (Aumann-Shapley): equal in sum, not part by part.
    away = differences_from_exact(60)
    np.testing.assert_allclose(away.sum(axis=1), 0, atol=1e-6)
    assert np.abs(away).max() < 1.0  # percentage points
