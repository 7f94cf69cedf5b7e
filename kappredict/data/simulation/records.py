"""Where variables are written down: columns, scores before and during doses, facts of history."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import special

from kappredict.data.simulation.parameters import Parameters
from kappredict.data.simulation.timeline import Timeline
from kappredict.data.simulation.truth import Drawn
from kappredict.domain.simulation import (
    InColumn,
    InHistory,
    InScore,
    InSession,
    Missingness,
    Scores,
    Variable,
)

_AFTER_DOSE_DAYS = 0.1
_BETWEEN_DOSES = 0.1  # SD from dose to dose, as a share of the SD between people


def recorded_columns(parameters: Parameters, drawn: Drawn, table: str) -> dict[str, pd.Series]:
    """Give the columns of `patients` or `courses` that variables are recorded in."""
    columns = {}
    for variable in parameters.variables_of(drawn.condition):
        for record in variable.records:
            if isinstance(record, InColumn) and record.table == table:
                value = drawn.people[variable.name].where(drawn.people[f"known {variable.name}"])
                columns[record.column] = (
                    value.map(dict(enumerate(record.levels)))
                    if record.levels
                    else value.round(record.decimals)
                )
    return columns


def with_known(parameters: Parameters, drawn: Drawn, rng: np.random.Generator) -> Drawn:
    """Add, for each variable, for whom it is on record; sites differ in how much they ask.

    The score by which a course is judged is always on record: without it there is no course.
    """
    missing, people = parameters.frame.missing, drawn.people
    habits = rng.normal(0, missing.site_sd, sum(parameters.frame.sites.values()))
    habit = (habits - habits.mean())[people["site"]]
    outcome = drawn.condition.outcome
    needed = outcome.variable if isinstance(outcome, Scores) else None
    known = {}
    for variable in parameters.variables_of(drawn.condition):
        never = variable.missing == 0 or variable.name == needed
        share = 0.0 if never else special.expit(special.logit(variable.missing) + habit)
        known[f"known {variable.name}"] = rng.random(len(people)) >= share
    return Drawn(drawn.condition, people.join(pd.DataFrame(known, index=people.index)))


def recorded_scores(
    parameters: Parameters,
    drawn: Drawn,
    timeline: Timeline,
    baseline_days: np.ndarray,
    rng: np.random.Generator,
) -> Iterator[pd.DataFrame]:
    """Give the scores taken once before the first dose, and those taken during each dose."""
    outcome = drawn.condition.outcome
    needed = outcome.variable if isinstance(outcome, Scores) else None
    for variable in parameters.variables_of(drawn.condition):
        for record in variable.records:
            if isinstance(record, InScore) and variable.name != needed:
                known = drawn.people[f"known {variable.name}"].to_numpy()
                value = drawn.people[variable.name].to_numpy()[known]
                rows = _scores(drawn, known, baseline_days[known, 0], value)
                yield rows.assign(instrument=record.instrument, item=record.item or None)
            if isinstance(record, InSession):
                missing = parameters.frame.missing
                rows = _during_doses(drawn, variable, timeline, missing, rng)
                ends = parameters.catalogue.instruments[record.instrument].total
                value = rows["value"].clip(ends.low, ends.high)
                yield rows.assign(instrument=record.instrument, item=None, value=value)


def _scores(drawn: Drawn, seen: np.ndarray, day: np.ndarray, value: np.ndarray) -> pd.DataFrame:
    number = drawn.people.index.to_numpy()[seen]
    return pd.DataFrame({"number": number, "day": day, "value": value})


def _during_doses(
    drawn: Drawn,
    variable: Variable,
    timeline: Timeline,
    missing: Missingness,
    rng: np.random.Generator,
) -> pd.DataFrame:
    value = drawn.people[variable.name].to_numpy()
    sd = _BETWEEN_DOSES * value.std()
    digits = 0 if getattr(variable.spread, "whole", False) else 2
    parts = []
    for dose in range(timeline.dose_days.shape[1]):
        day = np.round(timeline.dose_days[:, dose] + _AFTER_DOSE_DAYS, 3)
        seen = ~np.isnan(day) & (rng.random(len(day)) >= missing.in_session)
        again = value + rng.normal(0, sd, len(value)) * (dose > 0)
        parts.append(_scores(drawn, seen, day[seen], np.round(again[seen], digits)))
    return pd.concat(parts, ignore_index=True)


def recorded_history(
    parameters: Parameters, drawn: Drawn, timeline: Timeline, rng: np.random.Generator
) -> pd.DataFrame:
    """Give the facts of history, written down before the first dose or, now and then, later."""
    missing = parameters.frame.missing
    n = len(drawn.people)
    intake = timeline.index_day - rng.uniform(1, 18, n)
    parts = []
    for variable in parameters.variables_of(drawn.condition):
        for record in variable.records:
            if isinstance(record, InHistory):
                known = drawn.people[f"known {variable.name}"].to_numpy()
                late = rng.random(n) < missing.recorded_late
                recorded = intake + np.where(late, rng.uniform(20, 60, n), 0)
                rows = _facts(drawn, variable.name, record, known)
                recorded_day = pd.Series(recorded, index=drawn.people.index)
                parts.append(rows.assign(recorded_day=rows["number"].map(recorded_day).round(3)))
    return pd.concat(parts, ignore_index=True)


def _facts(drawn: Drawn, name: str, record: InHistory, known: np.ndarray) -> pd.DataFrame:
    value = drawn.people[name].to_numpy(dtype=float)
    if record.at_least is not None:
        value = (value >= record.at_least).astype(float)
    written = known & (value > 0) if record.only_present or record.each else known
    times = np.where(written, value if record.each else 1, 0).astype(int)
    course = np.repeat(np.arange(len(value)), times)
    order = np.arange(len(course)) - np.repeat(np.cumsum(times) - times, times)
    return pd.DataFrame(
        {
            "number": drawn.people.index.to_numpy()[course],
            "kind": record.kind,
            "code": record.code,
            "outcome": record.outcome,
            # One trial after the other, each half a year before the next.
            "start_day": -180.0 * (order + 1) if record.each else np.nan,
            "value": np.nan if record.each else np.round(value[course], 1),
        }
    )
