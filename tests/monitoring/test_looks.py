"""Looks lie at the ends of months; outcomes count when they are due, those lost are made up for."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from kappredict.monitoring.looks import LEAST, WINDOW, Monitoring, monitor, site_table
from kappredict.monitoring.words import verdict
from tests.monitoring.conftest import Clinic

AS_OF = date(2023, 1, 15)


@pytest.fixture(scope="module")
def done(clinics: dict[str, Clinic]) -> Monitoring:
    return monitor(clinics["response"].stream, AS_OF, seed=1)


def test_a_look_is_at_the_end_of_every_month_that_is_over(done: Monitoring) -> None:
    ends = [one.until for one in done.looks]
    assert ends[0] == date(2022, 1, 31)
    assert ends[-1] == date(2022, 12, 31)
    assert len(ends) == 12


def test_asking_again_in_the_same_month_finds_the_same(
    done: Monitoring, clinics: dict[str, Clinic]
) -> None:
    again = monitor(clinics["response"].stream, date(2023, 1, 31), seed=1)
    assert [one.checks for one in again.looks] == [one.checks for one in done.looks]


def test_a_look_takes_the_latest_patients_and_outcomes(done: Monitoring) -> None:
    assert done.last.asked == WINDOW
    assert done.last.known <= WINDOW
    assert done.last.known < done.last.due
    assert done.last.waiting > 0


def test_nothing_is_checked_on_a_handful_of_patients(done: Monitoring) -> None:
    first = done.looks[0]
    assert first.asked < LEAST
    assert first.checks == ()
    assert first.question is None


def test_an_outcome_that_is_known_early_waits_until_it_is_due(
    clinics: dict[str, Clinic], done: Monitoring
) -> None:
    """A no may be settled before its time, a yes may not: counted at once, noes would lead."""
    stream = clinics["response"].stream
    assert stream.outcomes is not None
    late = replace(stream.outcomes, due=stream.outcomes.due + 10_000)
    waiting = monitor(replace(stream, outcomes=late), AS_OF, seed=1)
    assert waiting.last.due == 0
    assert done.last.due > 0


def test_without_drift_no_month_alarms_here(done: Monitoring) -> None:
    assert sum(bool(one.alarms) for one in done.looks) <= 1
    assert "No alarm." in verdict(done)


def test_probabilities_that_are_all_too_high_alarm(clinics: dict[str, Clinic]) -> None:
    stream = clinics["response"].stream
    assert stream.outcomes is not None
    asked = stream.outcomes.asked
    high = np.clip(asked.predicted.predictions + 0.25, 0, 0.99)
    off = replace(asked, predicted=replace(asked.predicted, predictions=high))
    done = monitor(
        replace(stream, outcomes=replace(stream.outcomes, asked=off)), date(2023, 7, 15), seed=1
    )
    assert "level" in {one.family for one in done.last.alarms}
    assert any("recalibrate" in sentence for sentence in verdict(done))


def test_relapse_is_judged_by_the_day_that_was_validated(clinics: dict[str, Clinic]) -> None:
    done = monitor(clinics["relapse"].stream, date(2026, 1, 1), seed=1)
    assert done.validated.question.startswith("day ")
    assert done.last.question is not None
    assert {"level", "slope"} <= {one.family for one in done.last.checks}


def test_a_recalibrated_model_is_held_to_what_it_says(clinics: dict[str, Clinic]) -> None:
    from kappredict.estimators.bundle import Recalibration
    from kappredict.monitoring.validated import Validated

    bundle = clinics["response"].bundle
    note = Recalibration(way="intercept", study="s", data_digest="d", n=1, events=1)
    moved = bundle.recalibrated(bundle.calibration, note)
    assert Validated.of(moved.recipe).slope.value == 1.0
    assert Validated.of(bundle.recipe).slope.low < Validated.of(bundle.recipe).slope.high


def test_a_study_without_dates_is_looked_at_once(clinics: dict[str, Clinic]) -> None:
    stream = clinics["response"].stream
    nothing = np.full(len(stream.date), np.datetime64("NaT", "D"))
    done = monitor(replace(stream, date=nothing), AS_OF, seed=1)
    assert [one.until for one in done.looks] == [None]
    assert done.last.asked == len(stream.date)


def test_every_site_of_the_window_is_listed(done: Monitoring) -> None:
    table = site_table(done.last)
    assert table["n"].sum() == done.last.known
    assert table["observed"].between(0, 1).all()
