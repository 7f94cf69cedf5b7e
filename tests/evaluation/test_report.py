"""Laws of the evaluation: what is noise looks like noise, and a leak is called one, by name."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from learning import relapse_rows, response_rows

from kappredict.cohort.attrition import Attrition
from kappredict.config.catalogue import Catalogue
from kappredict.domain.task import PredictionTask
from kappredict.errors import RefusedError, TooFewEventsError
from kappredict.estimators.candidates import BoostedAFT, BoostedTrees, Logistic
from kappredict.estimators.fit import Rows
from kappredict.estimators.targets import YesNo
from kappredict.evaluation.cross_validation import cross_validate
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.report import EvaluationReport, evaluate
from kappredict.evaluation.schemes import plan_schemes
from kappredict.evaluation.settings import RandomSplits, Schemes, TrainingSettings
from kappredict.features.table import FeatureTable

SETTINGS = TrainingSettings(
    seed=3,
    inner_folds=2,
    resamples=100,
    schemes=Schemes(random_cv=RandomSplits(folds=3, repeats=1), leave_site_out={"most_folds": 2}),
    response_candidates=(
        Logistic(model="logistic"),
        BoostedTrees(model="boosted_trees", rounds=20),
    ),
    relapse_candidates=(BoostedAFT(model="boosted_aft", rounds=20),),
)


def modelling_set(rows: Rows, catalogue: Catalogue, outcome: str = "response") -> ModellingSet:
    condition = next(iter(catalogue.conditions.values()))
    number = np.arange(len(rows.target))
    courses = pd.DataFrame(
        {
            "course_id": [f"c{one}" for one in number],
            "patient_id": rows.patients.astype(str),
            "site": [f"site-{one // 2 % 4}" for one in number],
            "study": pd.Series(pd.NA, index=number, dtype="str"),
            "arm": pd.Series(pd.NA, index=number, dtype="str"),
            "sex": np.where(number % 4 < 2, "female", "male"),
            "age": 20.0 + number % 50,
            "judged_baseline": 10.0 + number % 17,
            "enrolled_on": pd.Series(pd.NaT, index=number),
        }
    )
    flow = Attrition.starting_with("courses", len(courses))
    task = PredictionTask(condition, outcome, "baseline")  # type: ignore[arg-type]
    return ModellingSet(task, courses, rows.features, rows.context, rows.target, flow)


def judged(data: ModellingSet) -> EvaluationReport:
    plan = plan_schemes(data, SETTINGS)
    predictions = cross_validate([data], [plan.folds], SETTINGS, lambda done, total: None)
    return evaluate(data, predictions[0], plan.not_run, SETTINGS)


def test_a_permuted_outcome_is_not_predicted(catalogue: Catalogue) -> None:
    rows = response_rows(rows=300, effect=2.0)
    shuffled = np.random.default_rng(5).permutation(rows.target.fitted_on)
    report = judged(modelling_set(replace(rows, target=YesNo(shuffled)), catalogue))
    auc = report.schemes["random_cv"].metrics["auc"]
    assert auc.low <= 0.5 <= auc.high


def test_a_signal_is_found_and_both_baselines_know_nothing_of_it(catalogue: Catalogue) -> None:
    report = judged(modelling_set(response_rows(rows=300, effect=1.5), catalogue))
    result = report.schemes["leave_site_out"]
    assert result.metrics["auc"].low > 0.6
    assert result.baselines["base_rate"]["auc"].value == pytest.approx(0.5)
    assert result.baselines["labels"]["auc"].value == pytest.approx(0.5, abs=0.1)


def test_relapse_is_judged_by_concordance_and_at_every_horizon(catalogue: Catalogue) -> None:
    data = modelling_set(relapse_rows(rows=300), catalogue, "relapse")
    result = judged(data).schemes["random_cv"]
    assert result.metrics["c_index"].low > 0.5
    assert list(result.metrics["horizons"]) == ["30", "90", "180", "365"]


def test_a_leak_is_suspected_and_the_feature_named(catalogue: Catalogue) -> None:
    rows = response_rows(rows=300, effect=0.0)
    frame = rows.features.frame.assign(noise=rows.target.fitted_on)
    leaked = replace(rows, features=FeatureTable(frame, rows.features.specs))
    report = judged(modelling_set(leaked, catalogue))
    assert any("possible leak" in one and "noise" in one for one in report.warnings)


def test_the_hardest_scheme_that_the_data_allow_is_the_headline(catalogue: Catalogue) -> None:
    assert judged(modelling_set(response_rows(), catalogue)).headline == "leave_site_out"


def test_too_few_events_are_refused_with_their_number(catalogue: Catalogue) -> None:
    rows = response_rows(rows=60)
    rare = YesNo((np.arange(60) < 6).astype(float))
    data = modelling_set(replace(rows, target=rare), catalogue)
    with pytest.raises(TooFewEventsError, match="6 with the outcome; the rarer side has 6"):
        data.require_events(20)


def test_an_empty_set_is_refused_with_the_steps_that_emptied_it(catalogue: Catalogue) -> None:
    rows = response_rows(rows=60)
    nobody = rows.take(np.array([], dtype=int))
    with pytest.raises(RefusedError, match="no course could be used"):
        modelling_set(nobody, catalogue).require_events(20)
