"""Learning curves: more patients are better where there is something to learn."""

import numpy as np
import pytest
from learning import response_rows

from kappredict.config.catalogue import Catalogue
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.totals import with_totals
from kappredict.domain.task import PredictionTask
from kappredict.estimators.candidates import Logistic
from kappredict.evaluation.learning_curves import feature_sets, learning_curve, more_features
from kappredict.evaluation.modelling_set import ModellingSet, build_modelling_set
from kappredict.evaluation.schemes import plan_schemes
from kappredict.evaluation.settings import RandomSplits, Schemes, TrainingSettings
from kappredict.features.table import FeatureTable

SETTINGS = TrainingSettings(
    inner_folds=2,
    resamples=40,
    schemes=Schemes(random_cv=RandomSplits(folds=2, repeats=1)),
    response_candidates=(Logistic(model="logistic"),),
    relapse_candidates=({"model": "pooled_hazard"},),
)
NO_DAYS = np.empty(0)


@pytest.fixture(scope="module")
def data(catalogue: Catalogue) -> ModellingSet:
    drawn = simulate(load_parameters(), patients=1500, seed=2, conditions=("depression",))
    own = catalogue.for_study(drawn.study.definition)
    study = with_totals(drawn.study, own.instruments)
    task = PredictionTask(own.condition("depression"), "response", "baseline")
    return build_modelling_set(study, own, task)


def test_a_curve_has_a_figure_for_each_size_and_a_guess_at_doubling(data: ModellingSet) -> None:
    scheme = plan_schemes(data, SETTINGS).folds["random_cv"]
    curve = learning_curve(data, scheme, NO_DAYS, SETTINGS)
    assert curve.points["patients"].is_monotonic_increasing
    assert curve.points["value"].between(0.4, 0.8).all()
    assert curve.doubled.low <= curve.doubled.value <= curve.doubled.high
    assert curve.doubled.high < 0.2


def test_sets_of_features_grow_to_everything(data: ModellingSet) -> None:
    sets = feature_sets(data.features)
    sizes = [len(one.specs) for one in sets.values()]
    assert sizes == sorted(sizes)
    assert sizes[-1] == len(data.features.specs)


def test_each_set_of_features_is_judged_in_the_same_folds(data: ModellingSet) -> None:
    scheme = plan_schemes(data, SETTINGS).folds["random_cv"]
    found = more_features(data, scheme, NO_DAYS, SETTINGS)
    assert set(found) == set(feature_sets(data.features))
    assert all(0.4 < one.value < 0.8 for one in found.values())


def test_a_table_of_one_kind_has_one_set() -> None:
    table: FeatureTable = response_rows(rows=20).features
    assert list(feature_sets(table)) == ["person and plan"]
