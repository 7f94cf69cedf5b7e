"""Inputs and predictions are compared with counts; no training patient is needed."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency, fisher_exact

from kappredict.data.columns import Words
from kappredict.estimators.reference import RANGES, Levels
from kappredict.features.table import FeatureTable
from kappredict.monitoring.checks import Check, judge
from kappredict.monitoring.drift import (
    difference,
    input_checks,
    prediction_checks,
    share_moved,
)
from tests.monitoring.conftest import Clinic, drawn_rows


def test_a_number_is_counted_in_fifths_and_what_is_not_known_by_itself() -> None:
    levels = Levels.of_numbers(np.append(np.arange(100.0), [np.nan] * 20))
    assert levels.counts == (20.0,) * RANGES
    assert levels.count(np.array([-5.0, 19.0, 20.0, 500.0, np.nan])).tolist() == [2, 1, 0, 0, 1, 1]


def test_a_rare_flag_keeps_both_its_levels() -> None:
    assert Levels.of_numbers(np.array([0.0] * 99 + [1.0])).counts == (99.0, 1.0)
    assert Levels.of_numbers(np.array([1.0] * 99 + [0.0])).counts == (1.0, 99.0)


def test_a_word_that_training_did_not_know_is_any_other() -> None:
    levels = Levels.of_words(Words.of(["iv"] * 6 + ["im"] * 5 + ["rare", None]))
    assert levels.words == ("iv", "im")
    assert levels.count(Words.of(["im", "new", "rare", None])).tolist() == [0, 1, 2, 1]


def test_weighted_rows_count_as_what_they_are_worth() -> None:
    """Kish 1965: of weights 1 and 3 in equal parts, 100 rows are worth 80."""
    levels = Levels.of_numbers(np.arange(100.0), np.tile([1.0, 3.0], 50))
    assert sum(levels.counts) == pytest.approx(80)


def test_p_values_are_those_of_scipy() -> None:
    usual, found = np.array([90.0, 110, 100]), np.array([30.0, 60, 40])
    wanted = chi2_contingency(np.vstack([usual, found]), correction=False).pvalue
    assert difference(usual, found) == pytest.approx(wanted)
    two = np.array([[95, 5], [40, 12]])
    assert difference(*two.astype(float)) == pytest.approx(fisher_exact(two).pvalue)


def test_levels_too_rare_to_compare_are_taken_together() -> None:
    usual, found = np.array([500.0, 480, 3, 2, 1]), np.array([100.0, 96, 1, 0, 1])
    assert 0.1 < difference(usual, found) <= 1
    assert difference(np.array([1000.0, 0]), np.array([200.0, 0])) == 1.0


def test_the_share_moved_is_none_of_the_same_and_all_of_another() -> None:
    assert share_moved(np.array([10.0, 30]), np.array([1.0, 3])) == 0
    assert share_moved(np.array([10.0, 0]), np.array([0.0, 3])) == 1


def checked(clinic: Clinic, rows: np.ndarray) -> list[Check]:
    stream = clinic.stream
    return judge(
        [
            *input_checks(clinic.bundle, stream.features.take(rows)),
            *prediction_checks(clinic.bundle, stream.probability[rows]),
        ]
    )


def test_patients_like_those_of_training_do_not_alarm(clinic: Clinic) -> None:
    stream = clinic.stream
    alarms = [
        any(one.alarm for one in checked(clinic, drawn_rows(len(stream.date), 200, seed)))
        for seed in range(15)
    ]
    assert sum(alarms) <= 1


def test_half_a_standard_deviation_of_severity_is_found_in_200_patients(clinic: Clinic) -> None:
    severity = clinic.stream.features.frame["phq9_last"]
    weights = np.exp(0.5 * (severity - severity.mean()) / severity.std()).fillna(1.0).to_numpy()
    found = []
    for seed in range(10):
        checks = checked(clinic, drawn_rows(len(weights), 200, seed, weights))
        found.append(any(one.alarm for one in checks))
    assert sum(found) >= 8


def test_a_field_that_is_no_longer_recorded_alarms(clinic: Clinic) -> None:
    stream = clinic.stream
    frame = stream.features.frame.head(200).assign(age=np.nan)
    checks = judge(input_checks(clinic.bundle, FeatureTable(frame, stream.features.specs)))
    (alarm,) = [one for one in checks if one.alarm and one.family == "inputs"]
    assert alarm.found == 1.0


def test_all_inputs_together_show_a_shift_that_is_small_in_each(clinic: Clinic) -> None:
    """A fifth of a standard deviation in every column, against how they vary together."""
    stream = clinic.stream
    frame = stream.features.frame.head(200).copy()
    numbers = frame.select_dtypes("number")
    frame[numbers.columns] = numbers + 0.2 * numbers.std()
    checks = judge(input_checks(clinic.bundle, FeatureTable(frame, stream.features.specs)))
    assert next(one for one in checks if one.family == "overall").alarm


def test_a_model_that_gives_everybody_the_same_cannot_drift(clinic: Clinic) -> None:
    flat = clinic.bundle.recalibrated(
        type(clinic.bundle.calibration)(0.0, 0.0), clinic.bundle.recipe.recalibration
    )
    assert prediction_checks(flat, np.full(200, 0.5)) == []
