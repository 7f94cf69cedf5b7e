"""Models of a small simulated study, trained once for all that is explained of them."""

import pytest

from kappredict.config.catalogue import Catalogue
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.domain.task import PredictionTask
from kappredict.estimators.bundle import ModelBundle
from kappredict.estimators.candidates import BoostedAFT, Logistic
from kappredict.evaluation.modelling_set import ModellingSet, build_modelling_set
from kappredict.evaluation.report import EvaluationReport, SchemeResult
from kappredict.evaluation.settings import RandomSplits, Schemes, TrainingSettings
from kappredict.evaluation.training import train_bundle

SETTINGS = TrainingSettings(
    inner_folds=2,
    schemes=Schemes(random_cv=RandomSplits(folds=2, repeats=1)),
    response_candidates=(Logistic(model="logistic"),),
    relapse_candidates=(BoostedAFT(model="boosted_aft", rounds=5),),
)


@pytest.fixture(scope="session")
def study(catalogue: Catalogue) -> Study:
    simulated = simulate(load_parameters(), patients=250, seed=2, conditions=("depression",))
    return with_totals(simulated.study, catalogue.instruments)


@pytest.fixture(scope="session")
def data(study: Study, catalogue: Catalogue) -> ModellingSet:
    task = PredictionTask(catalogue.condition("depression"), "response", "baseline")
    return build_modelling_set(study, catalogue, task)


@pytest.fixture(scope="session")
def bundle(study: Study, data: ModellingSet, catalogue: Catalogue) -> ModelBundle:
    return trained(study, data, catalogue)


def trained(study: Study, data: ModellingSet, catalogue: Catalogue) -> ModelBundle:
    """Train without judging: a report is not what is tested here."""
    n, events = len(data.target), data.target.events
    not_judged = {"random_cv": SchemeResult({}, {}, n, events, {})}
    report = EvaluationReport(data.task.name, n, events, not_judged, {}, (), None)
    return train_bundle(data, report, study, catalogue, SETTINGS)


@pytest.fixture(scope="session")
def relapse_data(study: Study, catalogue: Catalogue) -> ModellingSet:
    task = PredictionTask(catalogue.condition("depression"), "relapse", "baseline")
    return build_modelling_set(study, catalogue, task)


@pytest.fixture(scope="session")
def relapse_bundle(study: Study, relapse_data: ModellingSet, catalogue: Catalogue) -> ModelBundle:
    return trained(study, relapse_data, catalogue)
