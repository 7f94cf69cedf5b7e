import numpy as np
import pandas as pd
import pytest

from kappredict.config.catalogue import Catalogue
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.totals import with_totals
from kappredict.domain.conditions import Outcome
from kappredict.domain.task import PredictionTask
from kappredict.estimators.candidates import BoostedAFT, Logistic
from kappredict.evaluation.cross_validation import Predictions, cross_validate
from kappredict.evaluation.modelling_set import ModellingSet, build_modelling_set
from kappredict.evaluation.report import EvaluationReport, evaluate
from kappredict.evaluation.result_tables import performance_table, prediction_table, trust_tables
from kappredict.evaluation.schemes import plan_schemes
from kappredict.evaluation.settings import RandomSplits, Schemes, TrainingSettings
from kappredict.evaluation.table_one import table_one

Found = tuple[ModellingSet, Predictions, EvaluationReport]


@pytest.fixture(scope="module")
def found(catalogue: Catalogue) -> dict[Outcome, Found]:
    """A response and a relapse task of a small simulated study, judged."""
    simulated = simulate(load_parameters(), patients=500, seed=4, conditions=("depression",))
    study = with_totals(simulated.study, catalogue.instruments)
    settings = TrainingSettings(
        inner_folds=2,
        resamples=20,
        schemes=Schemes(random_cv=RandomSplits(folds=2, repeats=2)),
        response_candidates=(Logistic(model="logistic"),),
        relapse_candidates=(BoostedAFT(model="boosted_aft", rounds=10),),
    )
    outcomes: tuple[Outcome, ...] = ("response", "relapse")
    condition = catalogue.condition("depression")
    sets = [
        build_modelling_set(study, catalogue, PredictionTask(condition, one, "baseline"))
        for one in outcomes
    ]
    plans = [plan_schemes(one, settings).folds for one in sets]
    predicted = cross_validate(sets, plans, settings, lambda done, of: None)
    return {
        outcome: (data, one, evaluate(data, one, {}, settings))
        for outcome, data, one in zip(outcomes, sets, predicted, strict=True)
    }


def test_the_performance_table_holds_the_reports_figures(found: dict[Outcome, Found]) -> None:
    _, _, report = found["response"]
    table = performance_table(report)
    auc = table[(table["contender"] == "model") & (table["figure"] == "auc")]
    assert auc["value"].item() == report.schemes["random_cv"].metrics["auc"].value
    assert set(table["contender"]) == {"model", "base_rate", "labels"}


def test_relapse_has_figures_for_each_horizon(found: dict[Outcome, Found]) -> None:
    data, _, report = found["relapse"]
    table = performance_table(report)
    assert set(table["horizon"].dropna()) == set(data.task.condition.at_risk.horizons)
    assert set(table.loc[table["horizon"].isna(), "figure"]) >= {"c_index", "integrated_brier"}


def test_every_row_that_was_assessed_was_predicted_once_in_every_repeat(
    found: dict[Outcome, Found],
) -> None:
    data, predictions, _ = found["response"]
    table = prediction_table(data, predictions)
    assessed = np.flatnonzero(data.target.known).tolist()
    assert table.groupby("repeat")["row"].apply(sorted).tolist() == [assessed] * 2
    assert table["probability"].between(0, 1).all()
    assert table.drop_duplicates("row")["outcome"].sum() == data.target.events


def test_the_probability_of_staying_well_falls_from_horizon_to_horizon(
    found: dict[Outcome, Found],
) -> None:
    data, predictions, _ = found["relapse"]
    wide = prediction_table(data, predictions).pivot_table(
        "probability", ["repeat", "row"], "horizon"
    )
    assert (np.diff(wide.to_numpy(), axis=1) <= 1e-12).all()


def test_no_table_names_a_patient_or_a_course(found: dict[Outcome, Found]) -> None:
    data, predictions, report = found["response"]
    assert report.trust is not None
    tables = [
        performance_table(report),
        prediction_table(data, predictions),
        table_one(data),
        *trust_tables(report.trust).values(),
    ]
    named = set(data.courses["patient_id"]) | set(data.courses["course_id"])
    for table in tables:
        assert not named & set(table.astype("str").to_numpy().ravel())


@pytest.mark.parametrize("outcome", ["response", "relapse"])
def test_table_one_counts_everybody_once(found: dict[Outcome, Found], outcome: Outcome) -> None:
    data, _, _ = found[outcome]
    table = table_one(data)
    first = table.iloc[0]
    groups = [name for name in table if name.startswith(("with", "not assessed"))]
    assert int(first["all courses"]) == len(data.target)
    assert sum(int(first[name]) for name in groups) == len(data.target)
    assert int(first[f"with {outcome}"]) == data.target.events


def test_table_one_agrees_with_pandas(found: dict[Outcome, Found]) -> None:
    data, _, _ = found["response"]
    table = table_one(data).set_index("fact")
    age = data.features.frame["age"]
    assert table.loc["Age (years)", "all courses"] == f"{age.mean():.1f} ({age.std():.1f})"
    sexes = table.loc["Sex"]
    counted = dict(zip(sexes["level"], sexes["all courses"], strict=True))
    for level, n in data.features.frame["sex"].value_counts().items():
        assert counted[level] == f"{n} ({100 * n / len(age):.1f})"


def test_table_one_says_what_is_not_known(found: dict[Outcome, Found]) -> None:
    data, _, _ = found["response"]
    table = table_one(data)
    missing = {
        spec.label: int(data.features.frame[spec.name].isna().sum()) for spec in data.features.specs
    }
    numbers = table[table["level"] == ""].iloc[1:]
    for fact, not_known in zip(numbers["fact"], numbers["not_known"], strict=True):
        label = fact.split(" (")[0]
        assert int(not_known) == missing[label]
    assert isinstance(table, pd.DataFrame)
