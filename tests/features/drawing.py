"""Small random studies, for laws that must hold whatever the data."""

from typing import get_args

import numpy as np
import pandas as pd

from kappredict.data.study import Study
from kappredict.domain.features import (
    Aggregate,
    ColumnFeature,
    DeliveredFeature,
    FeatureSpec,
    HistoryFeature,
    ItemFeature,
    TotalFeature,
)
from kappredict.domain.studies import StudyDefinition

DEFINITION = StudyDefinition(id="drawn", label="Drawn", synthetic=True, licence="Apache-2.0")
INSTRUMENTS = ("mood", "sleep")


def draw_study(seed: int, patients: int = 6) -> Study:
    """Draw a study in which days, recorded days, sessions and facts lie on both sides of dosing."""
    rng = np.random.default_rng(seed)
    ids = [f"p{number}" for number in range(patients)]
    scores, facts = patients * 12, patients * 5
    day = rng.integers(-20, 60, scores).astype(float)
    assessments = pd.DataFrame(
        {
            "patient_id": rng.choice(ids, scores),
            "day": day,
            "instrument": rng.choice(INSTRUMENTS, scores),
            "item": rng.choice(["", "1"], scores),
            "value": rng.integers(0, 28, scores).astype(float),
            "recorded_day": np.where(
                rng.random(scores) < 0.3, day + rng.integers(0, 30, scores), np.nan
            ),
        }
    ).drop_duplicates(["patient_id", "day", "instrument", "item"])
    start = np.where(rng.random(facts) < 0.2, np.nan, rng.integers(-40, 60, facts))
    history = pd.DataFrame(
        {
            "patient_id": rng.choice(ids, facts),
            "kind": "medication",
            "code": rng.choice(["pill", "tonic"], facts),
            "start_day": start,
            "end_day": start + rng.integers(0, 40, facts),
            "outcome": rng.choice(["failed", "partial"], facts),
            "value": rng.choice([np.nan, 0.0, 2.0], facts),
        }
    )
    courses = pd.DataFrame(
        {
            "course_id": [f"c{number}" for number in range(patients + 1)],
            "patient_id": [*ids, ids[0]],  # one patient has two courses
            "condition": "any",
            "index_day": rng.integers(5, 30, patients + 1).astype(float),
            "planned_route": rng.choice(["iv", "im"], patients + 1),
        }
    )
    doses = rng.integers(0, 30, (patients + 1) * 3)
    sessions = pd.DataFrame(
        {
            "course_id": np.repeat(courses["course_id"].to_numpy(), 3),
            "day": np.repeat(courses["index_day"].to_numpy(), 3) + doses,
            "kind": rng.choice(["dosing", "integration"], len(doses)),
            "dose_mg_per_kg": rng.random(len(doses)),
        }
    )
    tables = {
        "patients": pd.DataFrame({"patient_id": ids, "age": rng.integers(18, 80, patients)}),
        "courses": courses,
        "assessments": assessments,
        "sessions": sessions,
        "history": history,
    }
    return Study.of(DEFINITION, tables)


def specs() -> tuple[FeatureSpec, ...]:
    """One feature of every kind there is."""
    totals = [
        TotalFeature(instrument=name, aggregate=aggregate)
        for name in INSTRUMENTS
        for aggregate in get_args(Aggregate)
    ]
    recipes = [
        *totals,
        ItemFeature(instrument="mood", item="1"),
        TotalFeature(instrument="mood", aggregate="last", lookback_days=14),
        HistoryFeature(
            id="pills",
            label="Pills",
            group="pills",
            kind="medication",
            codes=("pill",),
            measure="count",
            when_absent="zero",
        ),
        HistoryFeature(
            id="tonic",
            label="Tonic lately",
            group="tonic",
            kind="medication",
            codes=("ton*",),
            measure="flag",
            lookback_days=20,
            when_absent="missing",
        ),
        DeliveredFeature(
            id="doses",
            label="Doses",
            group="delivered",
            kinds=("dosing",),
            column="day",
            aggregate="count",
        ),
        DeliveredFeature(
            id="mean_dose",
            label="Mean dose",
            group="delivered",
            kinds=("dosing",),
            column="dose_mg_per_kg",
            aggregate="mean",
        ),
        ColumnFeature(
            table="courses", column="planned_route", label="Route", group="plan", kind="category"
        ),
    ]
    return tuple(
        FeatureSpec(
            name=f"feature_{number}",
            label="A feature",
            kind="category" if isinstance(recipe, ColumnFeature) else "numeric",
            group="any",
            recipe=recipe,
        )
        for number, recipe in enumerate(recipes)
    )
