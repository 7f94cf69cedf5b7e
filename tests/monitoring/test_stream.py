"""Served predictions join their outcomes by pseudonym."""

import numpy as np
import pandas as pd
import pytest

from kappredict.evaluation.questions import judged_rows, questions
from kappredict.monitoring.stream import Pseudonyms, Stream, stream_of_predictions
from tests.monitoring.conftest import Clinic

NAMED = Pseudonyms(of_patient="p-{}".format, of_course="c-{}".format)


def served(clinic: Clinic, n: int = 120) -> pd.DataFrame:
    """What a service would have kept of a study's first courses: by course, or by patient alone."""
    stream = clinic.stream
    assert stream.outcomes is not None
    asked = stream.outcomes.asked
    courses, features = asked.data.courses.head(n), asked.data.features.frame.head(n)
    curve = [f"{day:g}" for day in clinic.bundle.horizons]
    chances = clinic.bundle.probabilities(asked.data.features)[:n]
    by_course = np.arange(n) % 2 == 0
    return pd.DataFrame(
        {
            "at": pd.date_range("2026-01-01", periods=n, freq="h"),
            "course": ("c-" + courses["course_id"]).where(by_course, "").tolist(),
            "patient": [f"p-{one}" for one in courses["patient_id"]],
            "landmark_day": courses["landmark_day"].to_numpy(),
            "probability": chances[:, -1],
            "survival": [dict(zip(curve, row, strict=bool(curve))) for row in chances],
            "features": [
                {name: value for name, value in row.items() if pd.notna(value)}
                for row in features.to_dict("records")
            ],
        }
    )  # fmt: skip


def joined(clinic: Clinic, rows: pd.DataFrame) -> Stream:
    return stream_of_predictions(clinic.bundle, rows, clinic.study, NAMED)


@pytest.mark.parametrize("outcome", ["response", "relapse"])
def test_outcomes_join_by_course_or_by_the_patients_only_course(
    clinics: dict[str, Clinic], outcome: str
) -> None:
    clinic = clinics[outcome]
    whole = clinic.stream.outcomes
    stream = joined(clinic, served(clinic))
    assert whole is not None
    assert stream.outcomes is not None
    assert stream.unmatched == 0
    found, known = stream.outcomes.asked, whole.asked
    place = {name: row for row, name in enumerate(known.data.courses["course_id"])}
    rows = np.array([place[name] for name in found.data.courses["course_id"]])
    assert np.array_equal(found.data.target.strata, known.data.target.take(rows).strata)
    predicted = found.predicted
    asked = questions(found.data, predicted, judged_rows(found.data, predicted))
    assert all(np.isfinite(one.probability).all() for one in asked.values())


def test_served_features_are_those_that_training_would_have_built(clinic: Clinic) -> None:
    rows = served(clinic)
    stream = joined(clinic, rows)
    again = clinic.bundle.probabilities(stream.features)[:, -1]
    assert np.allclose(again, stream.probability)


def test_what_was_served_is_judged_and_not_what_the_model_says_now(clinic: Clinic) -> None:
    rows = served(clinic).assign(probability=0.25)
    stream = joined(clinic, rows)
    assert stream.outcomes is not None
    assert (stream.outcomes.asked.predicted.predictions == 0.25).all()


def test_the_last_answer_to_a_course_counts_once(clinic: Clinic) -> None:
    rows = served(clinic)
    twice = pd.concat([rows.assign(probability=0.9), rows], ignore_index=True)
    stream = joined(clinic, twice)
    assert len(stream.date) == len(rows)
    assert np.allclose(stream.probability, rows["probability"])


def test_those_without_any_id_are_asked_about_and_never_join(clinic: Clinic) -> None:
    rows = served(clinic).assign(course="", patient="")
    stream = joined(clinic, rows)
    assert len(stream.date) == len(rows)
    assert stream.outcomes is None
    assert stream.unmatched == len(rows)


def test_an_abstention_is_asked_about_and_has_no_outcome_to_judge(clinic: Clinic) -> None:
    rows = served(clinic)
    rows.loc[:9, "probability"] = np.nan
    stream = joined(clinic, rows)
    assert stream.outcomes is not None
    assert len(stream.date) == len(rows)
    assert len(stream.outcomes.due) == len(rows) - 10


def test_due_days_count_from_the_day_it_was_served(clinic: Clinic) -> None:
    stream = joined(clinic, served(clinic))
    assert stream.outcomes is not None
    assert (stream.outcomes.due > np.datetime64("2026-01-05")).all()
    assert (np.diff(stream.outcomes.due.astype(int)) >= 0).all()
