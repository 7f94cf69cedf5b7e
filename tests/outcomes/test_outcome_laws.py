"""Laws that every condition's outcomes keep, on simulated courses; cases are in `tests/spec`."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from kappredict.cohort.courses import find_cohort
from kappredict.config.catalogue import Catalogue, load_catalogue
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.domain.task import PredictionTask
from kappredict.outcomes.relapse import judge_relapse
from kappredict.outcomes.response import judge_response

CONDITIONS = sorted(load_catalogue().conditions)


@dataclass(frozen=True)
class Judged:
    response: pd.DataFrame
    relapse: pd.DataFrame


@pytest.fixture(scope="module")
def study(catalogue: Catalogue) -> Study:
    simulated = simulate(load_parameters(), patients=500, seed=4)
    return with_totals(simulated.study, catalogue.instruments)


def judge(study: Study, catalogue: Catalogue, condition: str) -> Judged:
    task = PredictionTask(catalogue.condition(condition), "relapse", "baseline")
    courses = find_cohort(study, task).courses
    response = judge_response(study, courses, task.condition, "response")
    relapse = judge_relapse(study, courses, task.condition, response)
    return Judged(response.judged.sort_index(), relapse.judged.sort_index())


def with_table(study: Study, name: str, rows: pd.DataFrame) -> Study:
    return Study.of(study.definition, {**study.tables, name: rows})


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_relapse_lies_in_an_interval_and_only_a_relapse_has_an_end(
    study: Study, catalogue: Catalogue, condition: str
) -> None:
    relapse = judge(study, catalogue, condition).relapse
    at_risk = relapse[relapse["status"] == "at_risk"]
    assert len(at_risk)
    assert (at_risk["lower"] >= 0).all()
    assert (at_risk["lower"] <= at_risk["upper"]).all()
    assert (np.isfinite(at_risk["upper"]) == (at_risk["event"] > 0)).all()
    assert (at_risk["lower"] <= catalogue.condition(condition).at_risk.days).all()


@pytest.mark.parametrize("condition", CONDITIONS)
def test_without_any_later_score_response_is_not_assessed_and_never_false(
    study: Study, catalogue: Catalogue, condition: str
) -> None:
    rows = study.assessments.merge(
        study.courses[["patient_id", "index_day"]], on="patient_id", validate="many_to_one"
    )
    earlier = study.assessments[(rows["day"] < rows["index_day"]).to_numpy()]
    response = judge(with_table(study, "assessments", earlier), catalogue, condition).response
    missed = catalogue.condition(condition).visits
    if missed is None or missed.missed_score is None:
        assert response["holds"].isna().all()


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_course_is_judged_alone_as_among_others(
    study: Study, catalogue: Catalogue, condition: str
) -> None:
    everyone = judge(study, catalogue, condition)
    chosen = study.courses.query("condition == @condition").iloc[::7]
    courses = study.courses[study.courses["course_id"].isin(chosen["course_id"])]
    some = judge(with_table(study, "courses", courses), catalogue, condition)
    ids = some.response.index
    assert_frame_equal(some.response, everyone.response.loc[ids], check_dtype=False)
    assert_frame_equal(some.relapse, everyone.relapse.loc[ids], check_dtype=False)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_only_those_who_responded_are_at_risk_where_the_clock_starts_with_response(
    study: Study, catalogue: Catalogue, condition: str
) -> None:
    judged = judge(study, catalogue, condition)
    at_risk = judged.relapse.index[judged.relapse["status"] == "at_risk"]
    if catalogue.condition(condition).at_risk.clock_starts == "response":
        assert judged.response.loc[at_risk, "holds"].all()
