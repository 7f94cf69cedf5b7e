"""Who may serve, and why not: the gate on a small simulated study and what was trained on it."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy.special import expit, logit

from kappredict.config.catalogue import Catalogue
from kappredict.data.as_of import as_of
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.domain.task import PredictionTask
from kappredict.errors import UsageError
from kappredict.estimators.candidates import Logistic, PooledHazard
from kappredict.evaluation.contenders import Contender, ask_unseen, meet
from kappredict.evaluation.cross_validation import cross_validate
from kappredict.evaluation.external import ask
from kappredict.evaluation.gate import judge
from kappredict.evaluation.modelling_set import build_modelling_set
from kappredict.evaluation.report import HARDEST_FIRST, evaluate
from kappredict.evaluation.result_tables import prediction_table
from kappredict.evaluation.schemes import plan_schemes
from kappredict.evaluation.settings import (
    GateSettings,
    RandomSplits,
    Schemes,
    TrainingSettings,
)
from kappredict.evaluation.training import train_bundle

SETTINGS = TrainingSettings(
    seed=3,
    inner_folds=2,
    resamples=100,
    schemes=Schemes(random_cv=RandomSplits(folds=2, repeats=1)),
    gate=GateSettings(least_either_side=50, slope_from=0.3, slope_to=3),
    response_candidates=(Logistic(model="logistic", inverse_penalty=0.01),),
    relapse_candidates=(PooledHazard(model="pooled_hazard"),),
)


@pytest.fixture(scope="module")
def study(catalogue: Catalogue) -> Study:
    drawn = simulate(load_parameters(), patients=1500, seed=5, conditions=("depression",)).study
    return with_totals(drawn, catalogue.instruments)


@pytest.fixture(scope="module")
def earlier(study: Study) -> Study:
    """The same study half a year before its end."""
    return as_of(study, pd.Timestamp("2024-07-01"))


@pytest.fixture(scope="module")
def trained(catalogue: Catalogue) -> Iterator[Callable[[Study, str], Contender]]:
    def trained(study: Study, outcome: str) -> Contender:
        task = PredictionTask(catalogue.condition("depression"), outcome, "baseline")  # type: ignore[arg-type]  # an outcome
        data = build_modelling_set(study, catalogue, task)
        plan = plan_schemes(data, SETTINGS)
        (predicted,) = cross_validate([data], [plan.folds], SETTINGS, lambda *_: None)
        report = evaluate(data, predicted, plan.not_run, SETTINGS)
        bundle = train_bundle(data, report, study, catalogue, SETTINGS)
        learnt = data.features.frame.rename_axis("row").reset_index()
        return Contender(bundle, learnt, prediction_table(data, predicted))

    with parallel_config(backend="sequential"):
        yield trained


@pytest.fixture(scope="module")
def champion(trained: Callable[..., Contender], earlier: Study) -> Contender:
    return trained(earlier, "response")


@pytest.fixture(scope="module")
def challenger(trained: Callable[..., Contender], study: Study) -> Contender:
    return trained(study, "response")


def saying(one: Contender, change: Callable[[np.ndarray], np.ndarray]) -> Contender:
    """Let a contender have predicted otherwise in its cross-validation."""
    chances = change(one.predictions["probability"].to_numpy())
    return replace(one, predictions=one.predictions.assign(probability=chances))


def found(one: Contender, **validation: object) -> Contender:
    """Let a contender's training have found something else."""
    recipe = one.bundle.recipe
    told = recipe.model_copy(update={"validation": {**recipe.validation, **validation}})
    return replace(one, bundle=replace(one.bundle, recipe=told))


def test_a_course_that_was_learnt_from_is_predicted_as_cross_validation_did(
    challenger: Contender, study: Study
) -> None:
    asked = ask_unseen(challenger, study, "random_cv")
    known = asked.data.target.known
    assert (asked.predicted.folds[:, known] > 0).all()
    stored = challenger.predictions.sort_values("row")["probability"].to_numpy()
    np.testing.assert_array_equal(asked.predicted.predictions[0, known], stored)


def test_a_course_that_was_never_seen_is_predicted_by_the_model_as_it_serves(
    champion: Contender, study: Study
) -> None:
    asked, served = ask_unseen(champion, study, "random_cv"), ask(champion.bundle, study)
    new = asked.predicted.folds[0] == 0
    assert (~new).sum() == champion.bundle.recipe.provenance.n
    assert new.sum() > 100
    np.testing.assert_array_equal(
        asked.predicted.predictions[0, new], served.predicted.predictions[0, new]
    )


def test_both_are_compared_on_the_same_courses_inside_the_same_folds(
    challenger: Contender, champion: Contender, study: Study
) -> None:
    both = meet(challenger, champion, study, HARDEST_FIRST)
    first, second = both.challenger, both.champion
    assert first.data.courses["course_id"].tolist() == second.data.courses["course_id"].tolist()
    np.testing.assert_array_equal(first.predicted.folds, second.predicted.folds)
    assert both.scheme == "random_cv"
    assert (both.new_to_challenger, both.new_to_champion > 100) == (0, True)
    assert meet(challenger, champion, study, HARDEST_FIRST).rows == both.rows


def test_more_of_the_same_passes_and_says_on_which_courses(
    challenger: Contender, champion: Contender, study: Study
) -> None:
    verdict = judge(challenger, champion, study, SETTINGS)
    assert verdict.objections == ()
    assert "that the champion never saw" in verdict.compared
    assert [one.name for one in verdict.figures] == [
        "discrimination", "brier", "ici", "worst_group"
    ]  # fmt: skip
    for one in verdict.figures:
        assert one.challenger.value - one.champion.value == pytest.approx(one.difference.value)


def test_a_model_beside_itself_differs_in_nothing(challenger: Contender, study: Study) -> None:
    verdict = judge(challenger, challenger, study, SETTINGS)
    assert verdict.passed
    assert {one.difference.low for one in verdict.figures} == {0.0}


def test_relapse_is_compared_over_time(trained: Callable[..., Contender], study: Study) -> None:
    one = trained(study, "relapse")
    verdict = judge(one, one, study, SETTINGS)
    c_index = one.bundle.recipe.validation["schemes"]["random_cv"]["c_index"]["value"]
    assert verdict.figures[0].challenger.value == pytest.approx(c_index, abs=0.02)
    assert {each.difference.value for each in verdict.figures[:3]} == {0.0}


NOISE = np.random.default_rng(1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (NOISE.permutation, "it is worse: discrimination"),
        (lambda chances: expit(4 * logit(chances)), "it is worse: mean calibration error"),
        (lambda chances: expit(logit(chances) + 1), "it is worse: Brier score"),
    ],
)
def test_a_worse_challenger_is_refused_with_the_figures(
    challenger: Contender,
    study: Study,
    change: Callable[[np.ndarray], np.ndarray],
    said: str,
) -> None:
    verdict = judge(saying(challenger, change), challenger, study, SETTINGS)
    assert not verdict.passed
    (objection,) = [one for one in verdict.objections if one.startswith(said)]
    assert "the champion's" in objection
    assert "the margin is" in objection


def test_failing_one_group_alone_is_enough(challenger: Contender, study: Study) -> None:
    data = ask(challenger.bundle, study).data
    women = (data.courses["sex"] == "female").to_numpy()
    rows = challenger.predictions["row"].to_numpy()

    def backwards_for_women(chances: np.ndarray) -> np.ndarray:
        return np.where(women[rows], 1 - chances, chances)

    verdict = judge(saying(challenger, backwards_for_women), challenger, study, SETTINGS)
    assert any("AUC in the worst subgroup" in one for one in verdict.objections)


def test_an_interval_too_wide_to_tell_speaks_against_it(
    challenger: Contender, study: Study
) -> None:
    def shaken(chances: np.ndarray) -> np.ndarray:
        return expit(logit(chances) + NOISE.normal(0, 0.02, len(chances)))

    narrow = SETTINGS.gate.margins.model_copy(update={"discrimination": 0.0005})
    gate = SETTINGS.gate.model_copy(update={"margins": narrow})
    strict = SETTINGS.model_copy(update={"gate": gate})
    objections = judge(saying(challenger, shaken), challenger, study, strict).objections
    assert any("be worse: discrimination" in one for one in objections)


def test_the_first_model_stands_by_itself(challenger: Contender, study: Study) -> None:
    verdict = judge(challenger, None, study, SETTINGS)
    assert verdict.passed
    assert verdict.figures == ()


@pytest.mark.parametrize(
    ("schemes", "said"),
    [
        ({"auc": {"value": 0.55, "low": 0.49, "high": 0.61}}, "better than chance: 0.55"),
        ({"auc": {"value": 0.91, "low": 0.88, "high": 0.94}}, "a leak is suspected: 0.91"),
        ({"n": 90, "events": 40}, "too few courses to judge it on: 40 with the outcome and 50"),
    ],
)
def test_what_is_not_fit_to_serve_does_not(
    challenger: Contender, study: Study, schemes: dict[str, object], said: str
) -> None:
    before = challenger.bundle.recipe.validation["schemes"]["random_cv"]
    other = found(challenger, schemes={"random_cv": {**before, **schemes}})
    (objection,) = judge(other, None, study, SETTINGS).objections
    assert said in objection


def test_probabilities_that_are_off_keep_a_model_from_serving(
    challenger: Contender, study: Study
) -> None:
    trust = challenger.bundle.recipe.validation["trust"]
    curve = trust["calibration"]["response"]
    off = {"value": 0.8, "low": 0.6, "high": 1.0}
    flat = {"value": 0.1, "low": -0.2, "high": 0.4}
    changed = {**trust, "calibration": {"response": {**curve, "intercept": off, "slope": flat}}}
    objections = judge(found(challenger, trust=changed), None, study, SETTINGS).objections
    assert [one.split(":")[0] for one in objections] == [
        "its probabilities are too extreme or too timid",
        "its probabilities are off on average",
    ]


def test_too_small_a_sample_is_refused_by_riley_s_criteria(
    challenger: Contender, study: Study
) -> None:
    made = challenger.bundle.recipe.provenance.model_copy(update={"n": 120, "events": 60})
    recipe = challenger.bundle.recipe.model_copy(update={"provenance": made})
    small = replace(challenger, bundle=replace(challenger.bundle, recipe=recipe))
    (objection,) = judge(small, None, study, SETTINGS).objections
    assert objection.startswith("the sample is too small: 120 courses, 60 events: 1 parameters")


def test_models_of_two_tasks_never_meet(challenger: Contender, study: Study) -> None:
    recipe = challenger.bundle.recipe.model_copy(update={"outcome": "remission"})
    other = replace(challenger, bundle=replace(challenger.bundle, recipe=recipe))
    with pytest.raises(UsageError, match="answer different questions"):
        meet(challenger, other, study, HARDEST_FIRST)
    (objection,) = judge(challenger, other, study, SETTINGS).objections
    assert objection.startswith("it cannot be compared with the champion")
