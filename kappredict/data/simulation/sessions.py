"""The sessions held: preparation, doses, integration, and maintenance after response."""

import numpy as np
import pandas as pd

from kappredict.data.simulation.parameters import Parameters
from kappredict.data.simulation.timeline import Timeline
from kappredict.data.simulation.truth import Drawn

_TALK_MINUTES = 60.0
_MOST_MAINTENANCE = 12


def draw_sessions(
    parameters: Parameters, drawn: Drawn, timeline: Timeline, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw the sessions of the courses of one condition, up to the end of observation."""
    rows = pd.concat(
        [
            _preparation(parameters, drawn, timeline, rng),
            _dosing(parameters, drawn, timeline),
            _integration(drawn, timeline, rng),
            _maintenance(parameters, drawn, timeline, rng),
        ],
        ignore_index=True,
    )
    return rows.assign(day=rows["day"].round(3))


def _rows(drawn: Drawn, days: np.ndarray, kind: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Make a row of each day that is not NaN; also give the courses they belong to."""
    course, place = np.nonzero(~np.isnan(days))
    number = drawn.people.index.to_numpy()[course]
    rows = pd.DataFrame({"number": number, "day": days[course, place], "kind": kind})
    return rows.assign(minutes=_TALK_MINUTES), course


def _preparation(
    parameters: Parameters, drawn: Drawn, timeline: Timeline, rng: np.random.Generator
) -> pd.DataFrame:
    """Everybody has one preparation session; half have more."""
    planned = parameters.frame.preparation_days
    n = len(drawn.people)
    days = np.stack([timeline.index_day + rng.uniform(*between, n) for between in planned], axis=1)
    days[:, 1:] = np.where(rng.random((n, 1)) < 0.5, days[:, 1:], np.nan)
    return _rows(drawn, days, "preparation")[0]


def _dosing(parameters: Parameters, drawn: Drawn, timeline: Timeline) -> pd.DataFrame:
    rows, course = _rows(drawn, timeline.dose_days, "dosing")
    return _with_dose(parameters, drawn, rows, course)


def _with_dose(
    parameters: Parameters, drawn: Drawn, rows: pd.DataFrame, course: np.ndarray
) -> pd.DataFrame:
    people = drawn.people.iloc[course]
    minutes = {name: route.minutes for name, route in parameters.frame.routes.items()}
    return rows.assign(
        route=people["route"].to_numpy(),
        dose_mg_per_kg=people["dose_mg_per_kg"].to_numpy(),
        minutes=people["route"].map(minutes).to_numpy(dtype=float),
    )


def _integration(drawn: Drawn, timeline: Timeline, rng: np.random.Generator) -> pd.DataFrame:
    """Spread the planned sessions from the first dose to two weeks after the last one.

    Who drops out of dosing drops out of these too.
    """
    planned = drawn.people["planned_integration"].to_numpy()[:, None]
    doses = drawn.people["planned_doses"].to_numpy(dtype=float)
    length = (doses - 1) * timeline.gap_days + 14
    number = np.arange(int(planned.max()))
    place = (number + rng.uniform(0.3, 0.9, (len(doses), len(number)))) / np.maximum(planned, 1)
    days = timeline.index_day[:, None] + place * length[:, None]
    held = np.sum(~np.isnan(timeline.dose_days), axis=1)
    until = np.where(held < doses, timeline.last_dose_day, timeline.last_day)[:, None]
    return _rows(
        drawn, np.where((number < planned) & (days <= until), days, np.nan), "integration"
    )[0]


def _maintenance(
    parameters: Parameters, drawn: Drawn, timeline: Timeline, rng: np.random.Generator
) -> pd.DataFrame:
    """Go on dosing responders with maintenance until they relapse or are no longer observed."""
    people = drawn.people
    number = np.arange(1, _MOST_MAINTENANCE + 1)
    since = parameters.frame.maintenance_every_days * (
        number + rng.uniform(-0.1, 0.1, (len(people), len(number)))
    )
    days = timeline.clock_day[:, None] + since
    goes_on = (
        people["maintenance"].to_numpy()[:, None]
        & (since < people["relapse_day"].to_numpy()[:, None])
        & (days <= timeline.last_day[:, None])
    )
    rows, course = _rows(drawn, np.where(goes_on, days, np.nan), "maintenance")
    return _with_dose(parameters, drawn, rows, course)
