"""The tables of a simulated study, made from the truth."""

import numpy as np
import pandas as pd

from kappredict.data.simulation.parameters import Parameters
from kappredict.data.simulation.records import (
    recorded_columns,
    recorded_history,
    recorded_scores,
    with_known,
)
from kappredict.data.simulation.scores import draw_scores
from kappredict.data.simulation.sessions import draw_sessions
from kappredict.data.simulation.timeline import Timeline, draw_timeline
from kappredict.data.simulation.truth import Drawn, course_ids
from kappredict.data.simulation.use import draw_use
from kappredict.domain.simulation import Frame, Missingness, Scores


def draw_tables(
    parameters: Parameters, drawn: list[Drawn], rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    """Draw all that was written down of the courses of every condition."""
    parts = [_tables_of(parameters, one, rng) for one in drawn]
    return {name: _identified([part[name] for part in parts], name) for name in parts[0]}


def _tables_of(
    parameters: Parameters, truth: Drawn, rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    drawn = with_known(parameters, truth, rng)
    timeline = draw_timeline(parameters, drawn, rng)
    return {
        "patients": _patients(parameters, drawn, rng),
        "courses": _courses(parameters, drawn, timeline),
        "assessments": _assessments(parameters, drawn, timeline, rng),
        "sessions": draw_sessions(parameters, drawn, timeline, rng),
        "history": recorded_history(parameters, drawn, timeline, rng),
    }


def _patients(parameters: Parameters, drawn: Drawn, rng: np.random.Generator) -> pd.DataFrame:
    frame = parameters.frame
    names = np.array([f"site-{number:02d}" for number in range(1, 1 + _sites(frame))])
    after = rng.integers(0, frame.enrolment_days, len(drawn.people)).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "number": drawn.people.index,
            "site": names[drawn.people["site"]],
            "enrolled_on": np.datetime64(frame.first_enrolment) + after,
            **_values(recorded_columns(parameters, drawn, "patients")),
        }
    )


def _courses(parameters: Parameters, drawn: Drawn, timeline: Timeline) -> pd.DataFrame:
    people = drawn.people
    return pd.DataFrame(
        {
            "number": people.index,
            "condition": drawn.condition.id,
            "index_day": timeline.index_day,
            "study": parameters.frame.study.id,
            "setting": people["setting"].to_numpy(),
            "planned_route": people["route"].to_numpy(),
            "planned_doses": people["planned_doses"].to_numpy(dtype=float),
            "planned_dose_mg_per_kg": people["dose_mg_per_kg"].to_numpy(),
            "last_day": timeline.last_day,
            **_values(recorded_columns(parameters, drawn, "courses")),
        }
    )


def _values(columns: dict[str, pd.Series]) -> dict[str, np.ndarray]:
    return {name: column.to_numpy() for name, column in columns.items()}


def _assessments(
    parameters: Parameters, drawn: Drawn, timeline: Timeline, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw every score, leave out what lies after the end of observation, and enter some late."""
    days = np.stack(
        [
            np.round(timeline.index_day + rng.uniform(*between, len(timeline.index_day)), 3)
            for between in parameters.frame.baseline_days
        ],
        axis=1,
    )
    draw = draw_scores if isinstance(drawn.condition.outcome, Scores) else draw_use
    rows = pd.concat(
        [
            draw(parameters, drawn, timeline, days, rng),
            *recorded_scores(parameters, drawn, timeline, days, rng),
        ],
        ignore_index=True,
    )
    dated = pd.DataFrame(
        {"index": timeline.index_day, "last": timeline.last_day}, index=drawn.people.index
    ).loc[rows["number"]]
    kept = rows["day"].to_numpy() <= dated["last"].to_numpy()
    after = rows["day"].to_numpy() >= dated["index"].to_numpy()
    recorded = _recorded_day(parameters.frame.missing, rows["day"].to_numpy(), after, rng)
    return rows.assign(recorded_day=recorded)[kept]


def _recorded_day(
    missing: Missingness, day: np.ndarray, after: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw when scores were entered, where that was later; a baseline score is never late."""
    late = after & (rng.random(len(day)) < missing.recorded_late)
    return np.where(late, np.round(day + rng.uniform(*missing.late_days, len(day)), 3), np.nan)


def _sites(frame: Frame) -> int:
    return sum(frame.sites.values())


def _identified(parts: list[pd.DataFrame], name: str) -> pd.DataFrame:
    """Join the conditions' rows and replace each course's number by ids."""
    rows = pd.concat(parts, ignore_index=True)
    number = rows["number"].to_numpy()
    ids = {}
    if name != "sessions":
        ids["patient_id"] = _ids("p", number)
    if name in {"courses", "sessions"}:
        ids["course_id"] = _ids("c", number)
    return rows.drop(columns="number").assign(**ids)


def _ids(letter: str, number: np.ndarray) -> pd.Series:
    names = pd.Series(course_ids(np.arange(number.max() + 1)), dtype="str")
    return names.str.replace("c", letter, n=1, regex=False).take(number).reset_index(drop=True)
