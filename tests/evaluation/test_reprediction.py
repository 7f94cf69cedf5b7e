"""Predicting anew as a course goes on: later days know more, and never what lies ahead."""

from pathlib import Path

import numpy as np
import pytest

from kappredict.config.catalogue import load_catalogue, shipped_configs
from kappredict.data.importing import import_study
from kappredict.data.totals import with_totals
from kappredict.data.validation import check
from kappredict.domain.task import PredictionTask
from kappredict.estimators.candidates import PooledHazard
from kappredict.evaluation.questions import judged_rows, questions
from kappredict.evaluation.reprediction import Landmarks, landmarks, out_of_fold
from kappredict.features.specs import feature_specs

HAZARD = PooledHazard(model="pooled_hazard")
DAYS = (0.0, 14.0, 28.0)

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def marks(real_data: Path) -> Landmarks:
    """The opioid trials on the first day, after two weeks and after four."""
    raw = import_study(shipped_configs() / "studies" / "ctn0094", real_data / "ctn0094")
    study = check(raw, load_catalogue()).study
    catalogue = load_catalogue().for_study(study.definition)
    study = with_totals(study, catalogue.instruments)
    task = PredictionTask(catalogue.condition("oud"), "relapse", "early")
    return landmarks(study, task, feature_specs(catalogue, study, "oud"), DAYS)


def test_fewer_are_at_risk_on_each_later_day(marks: Landmarks) -> None:
    sizes = [len(one.target) for one in marks.sets]
    assert sizes == sorted(sizes, reverse=True)
    assert len(marks.rows.target) == sum(sizes)


def test_the_day_of_the_prediction_is_a_feature(marks: Landmarks) -> None:
    for day, one in zip(DAYS, marks.sets, strict=True):
        assert set(one.features.frame["day_of_prediction"]) == {day}


def test_what_was_seen_since_makes_the_next_prediction_better(marks: Landmarks) -> None:
    found = out_of_fold(marks, [HAZARD], folds=2, inner=2, seed=1)
    reached = []
    for data, predicted in zip(marks.sets, found, strict=True):
        rows = judged_rows(data, predicted)
        assert len(rows) == len(data.target)
        question = next(iter(questions(data, predicted, rows).values()))
        outcome, risk = question.outcome, question.probability[0]
        pairs = risk[outcome == 1][:, None] - risk[outcome == 0]
        reached.append(((pairs > 0).mean() + (pairs == 0).mean() / 2).item())
    assert reached[0] < reached[1]
    assert np.all(np.array(reached) > 0.55)
