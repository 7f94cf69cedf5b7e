"""Laws of the additive models: curves per column, kept exactly, that obey their directions."""

from pathlib import Path

import numpy as np
import pytest
from interpret.glassbox import ExplainableBoostingClassifier
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from kappredict.errors import BundleError
from kappredict.estimators.additive import AdditiveMargin, Line, Steps
from kappredict.estimators.boosted_curves import ExplainableBoosting, as_additive
from kappredict.estimators.candidates import BoostedTrees
from kappredict.estimators.margins import Margin, load_margin
from kappredict.estimators.matrix import TrainingMatrix
from kappredict.estimators.splines import LogisticSplines
from kappredict.estimators.standardised import Standardised

SPLINES = LogisticSplines(model="logistic_splines")
CURVES = ExplainableBoosting(model="explainable_boosting", bags=2)
TREES = BoostedTrees(model="boosted_trees", rounds=60)
Candidate = LogisticSplines | ExplainableBoosting | BoostedTrees
additive = pytest.mark.parametrize("candidate", [SPLINES, CURVES], ids=lambda one: one.model)
constrained = pytest.mark.parametrize(
    "candidate", [SPLINES, CURVES, TREES], ids=lambda one: one.model
)


def training(
    seed: int = 0, rows: int = 400, directions: tuple[int, ...] = (0, 0, 0, 0)
) -> TrainingMatrix:
    """Draw a valley, noise, a count and a flag, with gaps; response goes with the valley's walls.

    The valley is steep on both sides: a curve that obeys a direction has to give one side up.
    """
    rng = np.random.default_rng(seed)
    valley, noise = rng.normal(size=(2, rows))
    columns = np.column_stack(
        [valley, noise, rng.integers(0, 4, rows), rng.integers(0, 2, rows)]
    ).astype(float)
    odds = 1.5 * np.abs(valley) - 1 + 0.8 * columns[:, 3]
    outcome = (rng.random(rows) < expit(odds)).astype(float)
    columns[rng.random(columns.shape) < 0.1] = np.nan
    return TrainingMatrix(
        columns, outcome, np.ones(rows), np.array(directions), np.zeros(rows, dtype=int)
    )


def along(margin: Margin, column: int) -> np.ndarray:
    """Give the margin of patients who differ in one column only, from low to high."""
    patients = np.zeros((200, 4))
    patients[:, column] = np.linspace(-3, 3, 200)
    return margin.values(patients)


@additive
def test_the_same_seed_gives_the_same_curves(candidate: Candidate) -> None:
    rows = training()
    first, again = (candidate.fit(rows, seed=3).values(rows.columns) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@additive
def test_contributions_add_up_to_the_margin(candidate: Candidate) -> None:
    rows = training()
    margin = candidate.fit(rows, seed=0)
    total = margin.contributions(rows.columns).sum(axis=1)
    np.testing.assert_allclose(total, margin.values(rows.columns))


@additive
def test_a_column_contributes_nothing_on_average_over_the_training_rows(
    candidate: Candidate,
) -> None:
    rows = training()
    shares = candidate.fit(rows, seed=0).contributions(rows.columns)
    np.testing.assert_allclose(shares[:, :-1].mean(axis=0), 0, atol=1e-12)


@additive
def test_a_contribution_depends_on_its_own_column_only(candidate: Candidate) -> None:
    rows = training()
    margin = candidate.fit(rows, seed=0)
    others_changed = rows.columns[::-1].copy()
    others_changed[:, 0] = rows.columns[:, 0]
    before, after = (margin.contributions(one)[:, 0] for one in (rows.columns, others_changed))
    np.testing.assert_array_equal(before, after)


@additive
def test_a_saved_margin_gives_the_same_numbers(candidate: Candidate, tmp_path: Path) -> None:
    rows = training()
    margin = candidate.fit(rows, seed=0)
    margin.save(tmp_path)
    np.testing.assert_array_equal(
        load_margin(tmp_path).values(rows.columns), margin.values(rows.columns)
    )


def test_a_folder_without_a_margin_is_refused_with_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"additive\.json"):
        load_margin(tmp_path)


@additive
def test_both_walls_of_a_valley_are_found(candidate: Candidate) -> None:
    heights = along(candidate.fit(training(rows=1500), seed=0), 0)
    floor = heights[100]
    assert min(heights[0], heights[-1]) > floor + 0.5


@constrained
@pytest.mark.parametrize("way", [1, -1], ids=["rising", "falling"])
@pytest.mark.parametrize("seed", range(3))
def test_a_direction_holds_against_the_data(candidate: Candidate, way: int, seed: int) -> None:
    margin = candidate.fit(training(seed, directions=(way, way, 0, 0)), seed=seed)
    for column in (0, 1):
        assert (way * np.diff(along(margin, column)) >= -1e-6).all()


@constrained
def test_a_row_of_double_weight_counts_twice(candidate: Candidate) -> None:
    """Weights that favour one side raise every margin on average."""
    rows = training()
    heavy = np.where(rows.outcome == 1, 2.0, 1.0)
    weighted = TrainingMatrix(rows.columns, rows.outcome, heavy, rows.directions, rows.condition)
    plain, raised = (candidate.fit(one, 0).values(rows.columns).mean() for one in (rows, weighted))
    assert 0.4 < raised - plain < 1.0  # the log of 2 is 0.69


@additive
def test_beyond_the_training_rows_a_curve_is_flat(candidate: Candidate) -> None:
    margin = candidate.fit(training(), seed=0)
    at_the_edge, far_beyond = np.full((2, 4), [[50.0], [5000.0]])
    np.testing.assert_array_equal(margin.values(at_the_edge[None]), margin.values(far_beyond[None]))


@additive
def test_forty_patients_are_enough_for_a_finite_answer(candidate: Candidate) -> None:
    rows = training(rows=40)
    assert np.isfinite(candidate.fit(rows, seed=0).values(rows.columns)).all()


@pytest.mark.filterwarnings("ignore:Missing values detected")  # that plots do not show them
def test_boosted_curves_are_those_of_interpret() -> None:
    """The oracle is the library's own prediction, on rows it was not fitted to, gaps included."""
    rows, others = training(0), training(1)
    model = ExplainableBoostingClassifier(
        feature_types=["continuous"] * 4, interactions=0, outer_bags=2, n_jobs=1, max_rounds=200
    )
    model.fit(rows.columns, rows.outcome.astype(int))
    assert np.isnan(others.columns).any()
    np.testing.assert_allclose(
        expit(as_additive(model, rows.columns).values(others.columns)),
        model.predict_proba(others.columns)[:, 1],
        atol=1e-6,
    )


def test_without_knots_the_splines_are_logistic_regression() -> None:
    rows = training()
    straight = LogisticSplines(model="logistic_splines", knots=0, inverse_penalty=0.3)
    scaled = Standardised(rows.columns)
    oracle = LogisticRegression(C=0.3, tol=1e-8, max_iter=2000).fit(scaled.rows, rows.outcome)
    np.testing.assert_allclose(
        straight.fit(rows, seed=0).values(rows.columns),
        oracle.decision_function(scaled.rows),
        atol=1e-4,
    )


def test_a_dear_bend_makes_the_splines_logistic_regression() -> None:
    rows = training()
    stiff, straight = (
        LogisticSplines(model="logistic_splines", bend_penalty=bend, knots=knots).fit(rows, seed=0)
        for bend, knots in ((1e6, 3), (1.0, 0))
    )
    np.testing.assert_allclose(stiff.values(rows.columns), straight.values(rows.columns), atol=1e-3)


def test_a_value_that_is_missing_counts_as_the_median_in_the_splines() -> None:
    rows = training()
    margin = SPLINES.fit(rows, seed=0)
    median = np.nanmedian(rows.columns, axis=0)
    np.testing.assert_allclose(margin.values(np.full((1, 4), np.nan)), margin.values(median[None]))


def test_a_point_of_a_step_belongs_to_the_step_above() -> None:
    steps = Steps(np.array([1.0, 2.0]), np.array([0.0, 10.0, 20.0]), missing=-1.0)
    values = np.array([0.9, 1.0, 1.9, 2.0, 9.0, np.nan])
    assert steps.at(values).tolist() == [0.0, 10.0, 10.0, 20.0, 20.0, -1.0]


def test_a_line_runs_straight_between_points_and_flat_beyond() -> None:
    line = Line(np.array([0.0, 2.0]), np.array([0.0, 4.0]), missing=1.5)
    values = np.array([-5.0, 0.0, 1.0, 2.0, 9.0, np.nan])
    assert line.at(values).tolist() == [0.0, 0.0, 2.0, 4.0, 4.0, 1.5]


def test_centring_changes_no_margin() -> None:
    columns = np.array([[0.0], [1.0], [np.nan]])
    curve = Line(np.array([0.0, 1.0]), np.array([3.0, 5.0]), missing=7.0)
    centred = AdditiveMargin.centred(1.0, [curve], columns)
    assert centred.intercept == pytest.approx(6.0)
    np.testing.assert_allclose(centred.values(columns), [4.0, 6.0, 8.0])
