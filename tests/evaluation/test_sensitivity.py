"""The lost: what weighting makes up for, what it cannot, and a range that holds the truth."""

from dataclasses import replace

import numpy as np
import pytest

from kappredict.config.catalogue import Catalogue
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.totals import with_totals
from kappredict.domain.task import PredictionTask
from kappredict.estimators.targets import YesNo
from kappredict.evaluation.cross_validation import OutOfFold
from kappredict.evaluation.modelling_set import ModellingSet, build_modelling_set
from kappredict.evaluation.sensitivity import TIMES_LESS_LIKELY, sensitivity

MISSING = 0.6


@pytest.fixture(scope="module")
def assessed(catalogue: Catalogue) -> ModellingSet:
    """Simulated courses, those that were assessed: their outcomes are all known."""
    drawn = simulate(load_parameters(), patients=5000, seed=4, conditions=("depression",))
    own = catalogue.for_study(drawn.study.definition)
    study = with_totals(drawn.study, own.instruments)
    task = PredictionTask(own.condition("depression"), "response", "baseline")
    data = build_modelling_set(study, own, task)
    return taken(data, np.flatnonzero(data.target.known))


def taken(data: ModellingSet, rows: np.ndarray) -> ModellingSet:
    return replace(
        data,
        courses=data.courses.iloc[rows].reset_index(drop=True),
        features=data.features.take(rows),
        context=data.context.take(rows),
        target=data.target.take(rows),
    )


def hidden(data: ModellingSet, odds: np.ndarray, seed: int) -> ModellingSet:
    """Hide 60 % of the outcomes, those with low `odds` of being assessed first of all."""
    rng = np.random.default_rng(seed)
    shift = np.quantile(odds + rng.logistic(size=len(odds)), MISSING)
    seen = odds + rng.logistic(size=len(odds)) > shift
    outcome = np.where(seen, data.target.fitted_on, np.nan)
    return replace(data, target=YesNo(outcome))


def rates(data: ModellingSet) -> tuple[float, float]:
    """The rate among those assessed, and weighted."""
    known = data.target.known
    outcome = data.target.fitted_on[known]
    return float(outcome.mean()), float(np.average(outcome, weights=data.weights[known]))


def flat_predictions(data: ModellingSet) -> OutOfFold:
    n = len(data.target)
    probability = np.random.default_rng(0).uniform(0.2, 0.8, size=(1, n))
    folds = np.arange(n)[None] % 3
    return OutOfFold(probability, folds, np.empty(0), np.full((1, n), np.nan), ())


def early_fall(data: ModellingSet) -> np.ndarray:
    """How far the primary scale had fallen when assessment opened, in standard deviations."""
    change = data.context.frame["phq9_early_change"].to_numpy(dtype=float)
    fall = -np.nan_to_num(change, nan=np.nanmedian(change))
    return (fall - fall.mean()) / fall.std()


def test_weighting_moves_the_rate_more_than_halfway_to_the_truth_where_its_model_is_right(
    assessed: ModellingSet,
) -> None:
    # Who got better early stays to be assessed: not at random, but it is on record.
    truth = float(assessed.target.fitted_on.mean())
    moved = []
    for seed in range(5):
        complete, weighted = rates(hidden(assessed, 1.2 * early_fall(assessed), seed))
        assert complete > truth
        moved.append((complete - weighted) / (complete - truth))
    assert np.mean(moved) >= 0.5


def test_the_range_contains_the_truth_when_responders_are_assessed_more_often(
    assessed: ModellingSet,
) -> None:
    truth = float(assessed.target.fitted_on.mean())
    data = hidden(assessed, 1.2 * assessed.target.fitted_on, seed=1)
    table = sensitivity(data, flat_predictions(data), seed=1, resamples=50)
    rate = table[table["figure"] == "base_rate"].set_index("assumption")
    assumed = rate.loc[[f"lost {k:g} times less likely" for k in TIMES_LESS_LIKELY], "value"]
    assert rate.loc["assessed only", "value"] > truth
    assert assumed.min() < truth < assumed.max()
    assert assumed.is_monotonic_decreasing


def test_nobody_lost_leaves_nothing_to_vary(assessed: ModellingSet) -> None:
    assert sensitivity(assessed, flat_predictions(assessed), seed=1, resamples=10).empty


def test_weights_are_one_where_everybody_was_assessed(assessed: ModellingSet) -> None:
    np.testing.assert_array_equal(assessed.weights, np.ones(len(assessed.target)))
