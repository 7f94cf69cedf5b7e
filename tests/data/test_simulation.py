"""The simulator: published rates are met, the truth is true, and the tables agree with it."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from kappredict.cohort.courses import anchor_days
from kappredict.data.readers import read_tables
from kappredict.data.simulation import Parameters, SimulatedStudy, load_parameters, simulate
from kappredict.data.simulation.truth import draw_truth, shown_truth
from kappredict.data.study import Study
from kappredict.data.validation import check
from kappredict.data.writers import write_study
from kappredict.domain.simulation import Scores
from kappredict.domain.spreads import Count, Levels, LogNormal, Normal, YesNo
from kappredict.errors import DefinitionError, UsageError
from kappredict.outcomes.relapse import judge_relapse
from kappredict.outcomes.response import judge_response

MANY, SMALL = 200_000, 4_000


@pytest.fixture(scope="module")
def parameters() -> Parameters:
    return load_parameters()


@pytest.fixture(scope="module")
def truth(parameters: Parameters) -> pd.DataFrame:
    return shown_truth(draw_truth(parameters, patients=MANY, seed=20261123))


@pytest.fixture(scope="module")
def simulated(parameters: Parameters) -> SimulatedStudy:
    return simulate(parameters, patients=SMALL, seed=7)


def courses_of(study: Study, condition: str) -> pd.DataFrame:
    courses = study.courses[study.courses["condition"] == condition].merge(study.patients)
    return courses.assign(landmark_day=courses["index_day"])


@pytest.mark.slow
@pytest.mark.parametrize("outcome", ["response", "remission"])
def test_every_route_and_number_of_doses_meets_its_target_rate(parameters, truth, outcome):
    rates = truth.groupby(["condition", "route", "planned_doses"])[outcome].agg(["mean", "size"])
    for condition in parameters.conditions.values():
        for cell in condition.cells:
            rate, n = rates.loc[(condition.id, cell.route, float(cell.doses))]
            target = getattr(cell, outcome)
            error = np.sqrt(target * (1 - target) / n)
            place = f"{condition.id} {cell.route} {cell.doses}: {rate:.3f}, target {target} (n {n})"
            assert abs(rate - target) <= max(0.02, 3 * error), place


@pytest.mark.slow
def test_relapse_survival_meets_its_targets_with_and_without_maintenance(parameters, truth):
    at_risk = truth[truth["relapse_day"].notna() & truth["initially_abstinent"]]
    for condition in parameters.conditions.values():
        rows = at_risk[at_risk["condition"] == condition.id]
        if condition.relapse.reference_doses is not None:
            rows = rows[rows["planned_doses"] == condition.relapse.reference_doses]
        for maintained, targets in (
            (False, condition.relapse.survival),
            (True, condition.relapse.survival_maintained),
        ):
            group = rows.loc[rows["maintenance"] == maintained, "relapse_day"]
            for day, target in targets.items():
                free = (group > day).mean()
                assert abs(free - target) <= 0.03, f"{condition.id} day {day}: {free:.3f}, {target}"


@pytest.mark.slow
def test_true_probabilities_are_the_rates_among_those_who_have_them(truth):
    """The law of a probability; at baseline it also checks the mean over what doses may show."""
    pairs = [
        ("p_response_baseline", "response"),
        ("p_remission_baseline", "remission"),
        ("p_response", "response"),
        ("p_remission", "remission"),
    ]
    for probability, outcome in pairs:
        tenth = pd.qcut(truth[probability], 10, labels=False)
        means = truth.groupby(tenth)[[probability, outcome]].mean()
        assert (means[probability] - means[outcome]).abs().max() < 0.02, outcome


@pytest.mark.slow
def test_true_survival_is_the_share_that_has_not_relapsed(truth):
    for clock, rows in truth.groupby("relapse_clock"):
        at_risk = rows[rows["relapse_day"].notna()]
        for day in (30, 90, 180, 365):
            tenth = pd.qcut(at_risk[f"survival_{day}"], 5, labels=False)
            free = (at_risk["relapse_day"] > day).groupby(tenth).mean()
            expected = at_risk[f"survival_{day}"].groupby(tenth).mean()
            assert (free - expected).abs().max() < 0.025, f"{clock} day {day}"


@pytest.mark.slow
def test_the_best_possible_model_is_no_better_than_published_ones(truth):
    """Evidence section 6.4; a site's effect and the plan are inside, so this is a ceiling."""
    for condition, rows in truth.groupby("condition"):
        baseline = roc_auc_score(rows["response"], rows["p_response_baseline"])
        early = roc_auc_score(rows["response"], rows["p_response"])
        assert 0.62 < baseline < 0.73, condition
        assert baseline < early < 0.76, condition


def test_remission_implies_response(parameters):
    truth = shown_truth(draw_truth(parameters, patients=SMALL, seed=1))
    assert (truth["response"] | ~truth["remission"]).all()
    assert (truth["p_remission"] <= truth["p_response"]).all()


def test_the_same_seed_gives_the_same_study(parameters, simulated):
    again = simulate(parameters, patients=SMALL, seed=7)
    assert again.study.digest == simulated.study.digest
    pd.testing.assert_frame_equal(again.truth, simulated.truth)


def test_another_seed_gives_other_people(parameters, simulated):
    other = simulate(parameters, patients=SMALL, seed=8)
    assert other.study.digest != simulated.study.digest


def test_a_simulated_study_says_that_it_is_one(simulated, tmp_path):
    assert simulated.study.definition.synthetic
    write_study(simulated.study, tmp_path / "study")
    for name in simulated.study.tables:
        assert pd.read_parquet(tmp_path / "study" / f"{name}.parquet")["synthetic"].all()


def test_a_simulated_study_passes_validation(parameters, simulated, tmp_path):
    write_study(simulated.study, tmp_path / "study")
    checked = check(read_tables(tmp_path / "study"), parameters.catalogue)
    assert [str(problem) for problem in checked.problems] == []
    assert checked.study.digest == simulated.study.digest


def test_every_course_has_its_truth(simulated):
    assert set(simulated.truth["course_id"]) == set(simulated.study.courses["course_id"])


@pytest.mark.parametrize("outcome", ["response", "remission"])
def test_an_outcome_seen_to_the_end_of_its_window_is_the_true_one(parameters, simulated, outcome):
    study, true = simulated.study, simulated.truth.set_index("course_id")[outcome]
    for name, condition in parameters.catalogue.conditions.items():
        courses = courses_of(study, name)
        window = condition.window_of(outcome)
        end = anchor_days(study.sessions, courses, window.anchor) + window.end_day
        courses = courses[courses["last_day"] >= end]
        holds = judge_response(study, courses, condition, outcome).judged["holds"].dropna()
        assert len(holds) > 0.5 * len(courses), name
        assert (holds.astype(bool) == true[holds.index]).all(), name


def test_relapse_is_seen_in_the_interval_in_which_it_truly_happened(parameters, simulated):
    study, true = simulated.study, simulated.truth.set_index("course_id")["relapse_day"]
    for name, condition in parameters.catalogue.conditions.items():
        courses = courses_of(study, name)
        response = judge_response(study, courses, condition, "response")
        judged = judge_relapse(study, courses, condition, response).judged
        seen = judged[(judged["status"] == "at_risk") & (judged["event"] == 1)]
        day = true[seen.index]
        assert len(seen) > 0, name
        assert ((day >= seen["lower"] - 0.01) & (day <= seen["upper"] + 0.01)).all(), name


def test_the_score_after_the_second_dose_shows_early_improvement(parameters):
    for condition in parameters.conditions.values():
        if not isinstance(condition.outcome, Scores):
            continue
        names = (condition.id,)
        drawn = draw_truth(parameters, patients=300, seed=5, conditions=names)[0]
        study = simulate(parameters, patients=300, seed=5, conditions=names).study
        people = drawn.people.set_index("course_id")
        doses = study.sessions[study.sessions["kind"] == "dosing"].groupby("course_id")["day"]
        second = doses.nth(1).set_axis(study.sessions.loc[doses.nth(1).index, "course_id"])
        third = doses.nth(2).set_axis(study.sessions.loc[doses.nth(2).index, "course_id"])
        instrument = parameters.definition_of(condition).primary.instrument
        totals = study.assessments["item"].isna()
        rows = study.assessments[totals & (study.assessments["instrument"] == instrument)]
        rows = rows.merge(study.courses[["patient_id", "course_id"]])
        after = rows["day"] > rows["course_id"].map(second)
        before = rows["day"] < rows["course_id"].map(third)
        early = rows[after & before].set_index("course_id")
        chosen = people.loc[early.index]
        fall = 1 - early["value"] / chosen[condition.outcome.variable]
        reached = fall >= condition.outcome.early.fall - 1e-9
        assert len(early) > 50
        assert (reached == (chosen[condition.outcome.early.variable] > 0)).all()


def test_answered_items_never_add_up_to_more_than_the_total(simulated):
    rows = simulated.study.assessments
    is_item = rows["item"].notna()
    key = ["patient_id", "day", "instrument"]
    items = rows[is_item].groupby(key)["value"].agg(["sum", "size"])
    both = items.join(rows[~is_item].set_index(key)["value"], how="inner")
    complete = both["size"] == both.groupby("instrument")["size"].transform("max")
    assert len(both) > 0
    assert (both["sum"] <= both["value"]).all()
    assert (both["sum"] == both["value"])[complete].all()


def test_end_of_course_scores_are_missing_as_often_as_published(parameters, simulated):
    study = simulated.study
    for name, condition in parameters.catalogue.conditions.items():
        if not isinstance(parameters.conditions[name].outcome, Scores):
            continue
        courses = courses_of(study, name)
        judged = judge_response(study, courses, condition, "response").judged["holds"]
        missing = judged.isna().groupby(courses["setting"].to_numpy()).agg(["mean", "size"])
        for setting, (share, n) in missing.iterrows():
            target = parameters.frame.missing.lost[setting]
            assert abs(share - target) < 0.05 + 3 * np.sqrt(target * (1 - target) / n)


def test_responders_are_the_likelier_to_be_seen_again(parameters, simulated):
    study, true = simulated.study, simulated.truth.set_index("course_id")["response"]
    seen = []
    for name, condition in parameters.catalogue.conditions.items():
        judged = judge_response(study, courses_of(study, name), condition, "response").judged
        seen.append(judged["holds"].notna())
    seen = pd.concat(seen)
    rates = seen.groupby(true[seen.index].to_numpy()).mean()
    assert rates[True] > rates[False]


def test_history_is_missing_as_often_as_published(parameters, simulated):
    study = simulated.study
    for variable in parameters.variables.variables:
        for record in variable.records:
            if record.place != "history" or record.each or record.only_present:
                continue
            rows = study.history
            known = rows[(rows["kind"] == record.kind) & (rows["code"] == record.code)]
            have = [
                condition.id
                for condition in parameters.conditions.values()
                if not variable.only or condition.id in variable.only
            ]
            patients = study.courses[study.courses["condition"].isin(have)]["patient_id"]
            missing = 1 - known["patient_id"].nunique() / len(patients)
            slack = 0.06 + 3 * np.sqrt(0.25 / len(patients))
            assert abs(missing - variable.missing) < slack, variable.name


def test_only_what_is_asked_for_is_simulated(parameters):
    name = min(parameters.conditions)
    study = simulate(parameters, patients=50, seed=1, conditions=(name,)).study
    assert set(study.courses["condition"]) == {name}


def test_an_unknown_condition_is_refused_by_name(parameters):
    with pytest.raises(UsageError, match="simulate melancholia"):
        simulate(parameters, patients=10, seed=1, conditions=("melancholia",))


def test_a_study_of_nobody_is_refused(parameters):
    with pytest.raises(UsageError, match="at least 1"):
        simulate(parameters, patients=0, seed=1)


def test_a_single_patient_can_be_simulated(parameters):
    assert len(simulate(parameters, patients=1, seed=3).study.courses) == 1


def test_a_predictor_of_an_unknown_variable_is_named(parameters):
    first = parameters.predictors.predictors[0]
    wrong = first.model_copy(update={"variable": f"{first.variable}x"})
    predictors = parameters.predictors.model_copy(update={"predictors": (wrong,)})
    broken = Parameters(
        parameters.frame,
        parameters.variables,
        predictors,
        parameters.conditions,
        parameters.catalogue,
    )
    with pytest.raises(DefinitionError, match=f"did you mean '{first.variable}'"):
        broken.check()


@pytest.mark.parametrize(
    ("spread", "oracle"),
    [
        (Normal(distribution="normal", mean=3, sd=2), stats.norm(3, 2)),
        (
            Normal(distribution="normal", mean=3, sd=2, low=2, high=4),
            stats.truncnorm(-0.5, 0.5, 3, 2),
        ),
        (LogNormal(distribution="lognormal", median=18, sigma=1), stats.lognorm(1, scale=18)),
        (YesNo(distribution="yes_no", share=0.3), stats.bernoulli(0.3)),
        (Count(distribution="count", start=2, rate=1.8, high=90), stats.poisson(1.8, loc=2)),
    ],
)
def test_a_spread_has_the_quantiles_of_its_distribution(spread, oracle):
    share = np.linspace(0.013, 0.987, 41)
    np.testing.assert_allclose(spread.of(stats.norm.ppf(share)), oracle.ppf(share), rtol=1e-6)


def test_levels_hold_their_shares():
    levels = ({"share": 0.6, "low": 0, "high": 0}, {"share": 0.4, "low": 1, "high": 8})
    spread = Levels.model_validate({"distribution": "levels", "levels": levels})
    values = spread.of(stats.norm.ppf(np.linspace(0.0005, 0.9995, 1000)))
    assert (values == 0).mean() == pytest.approx(0.6)
    assert values.max() == pytest.approx(8, abs=0.02)
