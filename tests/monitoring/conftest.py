"""A small model of simulated patients, with its validation, and further patients of that study."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_config

from kappredict.config.catalogue import Catalogue
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.domain.task import PredictionTask
from kappredict.estimators.bundle import ModelBundle
from kappredict.estimators.candidates import BoostedAFT, Logistic
from kappredict.evaluation.cross_validation import cross_validate
from kappredict.evaluation.modelling_set import build_modelling_set
from kappredict.evaluation.report import evaluate
from kappredict.evaluation.schemes import plan_schemes
from kappredict.evaluation.settings import RandomSplits, Schemes, TrainingSettings
from kappredict.evaluation.training import train_bundle
from kappredict.monitoring.stream import Stream, stream_of_study

SETTINGS = TrainingSettings(
    inner_folds=3,
    resamples=100,
    schemes=Schemes(random_cv=RandomSplits(folds=3, repeats=1)),
    response_candidates=(Logistic(model="logistic"),),
    relapse_candidates=(BoostedAFT(model="boosted_aft", rounds=20),),
)


@dataclass(frozen=True)
class Clinic:
    """A model, where its bundle lies, and a study of patients that it never saw."""

    bundle: ModelBundle
    folder: Path
    study: Study

    @cached_property
    def stream(self) -> Stream:
        return stream_of_study(self.bundle, self.study)


@pytest.fixture(scope="session")
def clinics(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Clinic]:
    """One for response and one for relapse, trained on half of the patients."""
    drawn = simulate(load_parameters(), patients=3000, seed=4, conditions=("depression",)).study
    half = drawn.patients["patient_id"].sample(frac=0.5, random_state=1)
    seen = with_totals(part(drawn, half), catalogue.instruments)
    unseen = drawn.patients["patient_id"][~drawn.patients["patient_id"].isin(half)]
    place = tmp_path_factory.mktemp("monitored")
    found = {}
    for outcome in ("response", "relapse"):
        task = PredictionTask(catalogue.condition("depression"), outcome, "baseline")
        data = build_modelling_set(seen, catalogue, task)
        plan = plan_schemes(data, SETTINGS)
        with parallel_config(backend="sequential"):
            (predicted,) = cross_validate([data], [plan.folds], SETTINGS, lambda *_: None)
        report = evaluate(data, predicted, plan.not_run, SETTINGS)
        bundle = train_bundle(data, report, seen, catalogue, SETTINGS)
        bundle.save(place / task.name)
        found[outcome] = Clinic(bundle, place / task.name, part(drawn, unseen))
    return found


@pytest.fixture
def clinic(clinics: dict[str, Clinic]) -> Clinic:
    return clinics["response"]


def part(study: Study, patients: object) -> Study:
    """Keep some patients of a study."""
    courses = study.courses[study.courses["patient_id"].isin(patients)]
    kept = {
        name: table[
            table["patient_id"].isin(patients)
            if "patient_id" in table
            else table["course_id"].isin(courses["course_id"])
        ]
        for name, table in study.tables.items()
    }
    return Study.of(study.definition, kept)


def drawn_rows(n: int, size: int, seed: int, weights: np.ndarray | None = None) -> np.ndarray:
    """Draw rows of a table, each once."""
    share = None if weights is None else weights / weights.sum()
    return np.random.default_rng(seed).choice(n, size, replace=False, p=share)
