"""The days of each simulated course: doses, the end of the course, and the end of observation."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from kappredict.data.simulation.parameters import Parameters
from kappredict.data.simulation.truth import Drawn
from kappredict.domain.simulation import Frame, Missingness, Scores


@dataclass(frozen=True)
class Timeline:
    """Days on each patient's clock, a value (or a row of dose days) per course.

    `dose_days` is NaN after the last dose held. `clock_day` is when the relapse clock starts:
    the end-of-course score, or the index day. `lost` have no end-of-course score. `willing` is a
    standard normal value: the higher, the likelier a follow-up visit is kept.
    """

    index_day: np.ndarray
    gap_days: np.ndarray
    dose_days: np.ndarray
    clock_day: np.ndarray
    last_day: np.ndarray
    lost: np.ndarray
    willing: np.ndarray

    @property
    def last_dose_day(self) -> np.ndarray:
        """The day of the last dose held."""
        return np.nanmax(self.dose_days, axis=1)


def draw_timeline(parameters: Parameters, drawn: Drawn, rng: np.random.Generator) -> Timeline:
    """Draw the days of the courses of one condition."""
    frame, people = parameters.frame, drawn.people
    n = len(people)
    index_day = np.round(rng.uniform(*frame.index_day, n), 3)
    gap = _gaps(frame, drawn)
    dose_days = _draw_dose_days(frame.missing, people, index_day, gap, rng)
    last_dose = np.nanmax(dose_days, axis=1)
    seen_rate = _seen_rate(frame.missing, people)
    lost = rng.random(n) >= seen_rate
    loss = _draw_loss(frame.missing, people["setting"], rng)
    outcome = drawn.condition.outcome
    if isinstance(outcome, Scores):
        clock = np.round(last_dose + rng.uniform(*outcome.end_day, n), 3)
        last = clock + np.minimum(loss, frame.missing.administrative_days)
        gone = lost & (rng.random(n) >= frame.missing.seen_again_if_lost)
        early = last_dose + rng.uniform(0.5, outcome.end_day[0], n)
        last = np.where(gone, early, last)
    else:
        clock = index_day
        last = _last_day_of_use(parameters, drawn, index_day, lost, loss, rng)
    dose_days = np.where(dose_days > last[:, None], np.nan, dose_days)
    willing = rng.standard_normal(n)
    return Timeline(index_day, gap, dose_days, clock, np.round(last, 3), lost, willing)


def _gaps(frame: Frame, drawn: Drawn) -> np.ndarray:
    condition = drawn.condition
    gaps = {
        route: condition.gap_days.get(route, frame.routes[route].gap_days)
        for route in condition.routes
    }
    return drawn.people["route"].map(gaps).to_numpy(dtype=float)


def _draw_dose_days(
    missing: Missingness,
    people: pd.DataFrame,
    index_day: np.ndarray,
    gap: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw dose days; the first is the index day, and a drop-out takes no more."""
    planned = people["planned_doses"].to_numpy(dtype=int)
    held = np.minimum(planned, rng.geometric(missing.dropout_per_session, len(people)))
    number = np.arange(planned.max())
    jitter = rng.uniform(-0.2, 0.2, (len(people), len(number))) * (number > 0)
    days = index_day[:, None] + (number + jitter) * gap[:, None]
    return np.where(number < held[:, None], np.round(days, 3), np.nan)


def _seen_rate(missing: Missingness, people: pd.DataFrame) -> np.ndarray:
    """Give the probability of an end-of-course score, which depends on the outcome itself."""
    shift = (
        missing.observed_if_responder * people["response"]
        + missing.observed_if_young * (people["age"] < missing.young_below_years)
        + missing.observed_if_integrated
        * (people["planned_integration"] >= missing.integrated_from_sessions)
    )
    lost = people["setting"].map(missing.lost).to_numpy(dtype=float)
    return special.expit(special.logit(1 - lost) + (shift - shift.mean()).to_numpy(dtype=float))


def _draw_loss(missing: Missingness, setting: pd.Series, rng: np.random.Generator) -> np.ndarray:
    median = setting.map(missing.loss_median_days).to_numpy(dtype=float)
    return rng.exponential(median / np.log(2))


def _last_day_of_use(
    parameters: Parameters,
    drawn: Drawn,
    index_day: np.ndarray,
    lost: np.ndarray,
    loss: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Give the last day of contact: the lost leave before the end of the response window."""
    judged = parameters.definition_of(drawn.condition).assessed_in
    stays = judged.end_day + loss
    leaves = rng.uniform(1, max(judged.start_day, judged.end_day - judged.closing_days), len(lost))
    return index_day + np.minimum(np.where(lost, leaves, stays), drawn.use.visits_until_day + 1)
