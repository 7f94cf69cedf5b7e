"""Recalibration at a new place: nobody is predicted by what was learnt from him or her."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit

from kappredict.errors import RefusedError
from kappredict.estimators.calibration import LogitCalibration
from kappredict.estimators.hazard import Baseline, HazardCalibration
from kappredict.estimators.targets import Times, YesNo
from kappredict.evaluation.calibration_curve import calibration_figures
from kappredict.evaluation.metrics_survival import SeenTimes, SurvivalPredictions
from kappredict.evaluation.question import Question
from kappredict.evaluation.recalibration import NewPlace, by_patients, out_of_fold

NO_DAYS, DAYS = np.empty(0), np.array([30.0, 90.0, 180.0])
FOLDS = {"folds": 5, "repeats": 2, "seed": 1}


def response_place(n: int = 400, level: float = 0.9, stretch: float = 0.5, seed: int = 0):
    """Responses commoner than the model says, of whom it says too much."""
    rng = np.random.default_rng(seed)
    margins = rng.normal(-0.5, 1.2, n)
    outcome = (rng.random(n) < expit(level + stretch * margins)).astype(float)
    calibration = LogitCalibration(0.0, 1.0)
    return NewPlace(calibration, margins, YesNo(outcome), np.ones(n), np.arange(n))


def relapse_place(n: int = 600, sooner: float = 1.0, seed: int = 0):
    """Relapse sooner than the model says, by so much in log days; some are lost."""
    rng = np.random.default_rng(seed)
    margins = rng.normal(5.5, 0.8, n)
    days = np.exp(margins - sooner + np.log(rng.exponential(size=n)))
    lost = rng.uniform(60, 400, n)
    event = (days <= lost).astype(int)
    lower, upper = np.minimum(days, lost), np.where(event == 1, days, np.inf)
    target = Times(lower, upper, event, longest=180.0)
    constant, never = Baseline((1.0,), (1.0,)), Baseline((1.0,), (0.0,))
    calibration = HazardCalibration(0.0, 1.0, constant, never)
    return NewPlace(calibration, margins, target, np.ones(n), np.arange(n))


def judged(place: NewPlace, way, **options) -> dict:
    found = out_of_fold(place, way, NO_DAYS, **(FOLDS | options))
    question = Question.of_response(
        place.target.outcome, found.predictions, found.folds, place.patients
    )
    return calibration_figures(question, seed=1, resamples=50)


def test_a_response_model_is_right_again_at_the_new_place() -> None:
    place = response_place()
    before, moved, stretched = (
        judged(place, way) for way in ("none", "intercept", "intercept_and_slope")
    )
    assert before["intercept"].low > 0.3
    assert abs(moved["intercept"].value) < 0.05
    assert moved["slope"].high < 1
    assert stretched["slope"].low < 1 < stretched["slope"].high
    assert stretched["ici"].value < moved["ici"].value < before["ici"].value


@pytest.mark.parametrize("day", DAYS)
def test_a_relapse_model_is_right_again_at_the_new_place(day: float) -> None:
    place = relapse_place()
    times = SeenTimes(place.target.seen, place.target.event)
    levels = {}
    for way in ("none", "intercept", "intercept_and_slope"):
        found = out_of_fold(place, way, DAYS, **FOLDS)
        predicted = SurvivalPredictions(found.predictions, DAYS, found.folds, tuple(DAYS))
        question = Question.of_horizon(times, predicted, day, place.patients)
        levels[way] = calibration_figures(question, seed=1, resamples=50)["intercept"]
    assert levels["none"].low > 0.4
    assert abs(levels["intercept"].value) < 0.15
    assert abs(levels["intercept_and_slope"].value) < 0.15


def test_unchanged_predictions_are_those_of_the_model() -> None:
    place = response_place()
    found = out_of_fold(place, "none", NO_DAYS, **FOLDS)
    assert_allclose(found.predictions, np.tile(expit(place.margins), (2, 1)))
    times = relapse_place()
    survival = out_of_fold(times, "none", DAYS, **FOLDS).predictions
    assert_allclose(survival[1], times.calibration.survival(times.margins, DAYS))


def test_outcomes_of_a_fold_do_not_move_its_predictions() -> None:
    place = response_place(120)
    before = out_of_fold(place, "intercept_and_slope", NO_DAYS, **FOLDS)
    # The folds are balanced on outcomes: swap two of one fold, so that they stay where they are.
    tested = before.folds[0] == 0
    yes = np.flatnonzero(tested & (place.target.outcome == 1))[0]
    no = np.flatnonzero(tested & (place.target.outcome == 0))[0]
    order = np.arange(120)
    order[[yes, no]] = no, yes
    margins = place.margins[order]
    swapped = NewPlace(place.calibration, margins, place.target, place.weights, place.patients)
    after = out_of_fold(swapped, "intercept_and_slope", NO_DAYS, **FOLDS)
    assert_allclose(after.predictions[0, tested], before.predictions[0, order][tested])
    assert not np.allclose(after.predictions[0, ~tested], before.predictions[0, ~tested])


def test_all_courses_of_a_patient_are_in_one_fold() -> None:
    place = response_place(200)
    patients = np.arange(200) // 4
    found = out_of_fold(
        NewPlace(place.calibration, place.margins, place.target, place.weights, patients),
        "intercept",
        NO_DAYS,
        **FOLDS,
    )
    for repeat in found.folds:
        assert all(len(np.unique(repeat[patients == one])) == 1 for one in np.unique(patients))


def test_no_two_folds_share_a_number() -> None:
    found = out_of_fold(response_place(), "intercept", NO_DAYS, **FOLDS)
    assert set(found.folds[0]).isdisjoint(found.folds[1])
    assert len(found.winners) == len(np.unique(found.folds))


def test_those_not_assessed_are_neither_learnt_from_nor_predicted() -> None:
    place = response_place(200)
    outcome = place.target.outcome.copy()
    outcome[::3] = np.nan
    some = NewPlace(place.calibration, place.margins, YesNo(outcome), place.weights, place.patients)
    found = out_of_fold(some, "intercept", NO_DAYS, **FOLDS)
    assert (found.folds[:, ::3] == -1).all()
    assert (np.isfinite(found.predictions) == (found.folds >= 0)).all()
    assert set(by_patients(some, "intercept", day=0, draws=2, seed=1)["patients"]) == {0, 20, 40}


def test_times_that_too_few_were_followed_through_change_nothing() -> None:
    place = relapse_place().take(np.arange(8))
    assert place.recalibrated("chosen") == place.calibration


def test_rare_visits_do_not_spoil_a_recalibration() -> None:
    # Relapse is judged when it was seen; the model was fitted to when it happened.
    place = relapse_place(3000, sooner=0.0)
    seen = np.ceil(place.target.upper / 30) * 30
    target = Times(place.target.lower, seen, place.target.event, longest=180.0)
    rare = NewPlace(place.calibration, place.margins, target, place.weights, place.patients)

    def level(calibration: HazardCalibration) -> float:
        asked = [rare.question(calibration, day) for day in (45.0, 75.0, 135.0)]
        found = [calibration_figures(one, seed=1, resamples=2)["intercept"] for one in asked]
        return np.mean([abs(one.value) for one in found])

    # The shape of the baseline stays what it was, which rare visits change, too.
    assert level(rare.recalibrated("intercept_and_slope")) < 0.6 * level(rare.calibration)


def test_with_few_outcomes_there_are_fewer_folds() -> None:
    place = response_place(60)
    outcome = np.zeros(60)
    outcome[:3] = 1
    rare = NewPlace(place.calibration, place.margins, YesNo(outcome), place.weights, place.patients)
    assert len(out_of_fold(rare, "intercept", NO_DAYS, **FOLDS).winners) == 6


def test_with_one_outcome_there_is_no_judging() -> None:
    place = response_place(60)
    outcome = np.zeros(60)
    outcome[0] = 1
    rare = NewPlace(place.calibration, place.margins, YesNo(outcome), place.weights, place.patients)
    with pytest.raises(RefusedError, match="1 patients are known with the outcome and 59 without"):
        out_of_fold(rare, "intercept", NO_DAYS, **FOLDS)


@pytest.mark.parametrize("place", [response_place(700), relapse_place(700)])
def test_more_patients_make_a_better_recalibration(place: NewPlace) -> None:
    found = by_patients(place, "intercept_and_slope", day=90.0, draws=30, seed=1)
    assert sorted(set(found["patients"])) == [0, 20, 40, 80, 160, 320]
    losses = found[found["figure"] == "log_loss"].set_index("patients")["value"]
    assert losses[0] > losses[20] > losses[80] > losses[320]
    levels = found[found["figure"] == "intercept"].set_index("patients")
    width = levels["high"] - levels["low"]
    assert width[320] < width[20]
    assert levels["low"][320] < 0 < levels["high"][320]
    assert levels["low"][0] > 0
