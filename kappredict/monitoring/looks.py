"""Looks: what monitoring finds at the end of each month, in the latest patients.

A look takes the last `WINDOW` patients, or all of the month's if they were more, and for outcomes
as many of those whose outcome was due. Looks lie at the ends of calendar months and nowhere else,
so that asking more often gives no more alarms: a month's chance of a false one is one look's.
"""

from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import pandas as pd

from kappredict.evaluation.across_sites import AcrossSites, across_sites
from kappredict.evaluation.decisions import benefit_at
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.question import Question
from kappredict.evaluation.questions import judged_rows, questions
from kappredict.monitoring.checks import Check, judge
from kappredict.monitoring.drift import input_checks, prediction_checks
from kappredict.monitoring.live import (
    LEAST_AT_SITE,
    benefit_checks,
    calibration,
    calibration_checks,
    site_checks,
)
from kappredict.monitoring.stream import Outcomes, Stream
from kappredict.monitoring.validated import Validated

WINDOW = 200
# With fewer patients, or outcomes, nothing is checked.
LEAST = 50
_NONE = Estimate(np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class Look:
    """What one look found.

    `asked` and `answered` count the patients of the window, and those given a number; `due` those
    of the outcomes' window whose outcome was due, `known` those of them whose outcome is known,
    `waiting` the further ones whose outcome is not due yet.
    """

    until: date | None
    asked: int
    answered: int
    due: int
    known: int
    waiting: int
    checks: tuple[Check, ...]
    level: Estimate = _NONE
    slope: Estimate = _NONE
    question: Question | None = field(default=None, repr=False)
    sites: np.ndarray | None = field(default=None, repr=False)

    @property
    def alarms(self) -> tuple[Check, ...]:
        """The checks that alarm."""
        return tuple(one for one in self.checks if one.alarm)


@dataclass(frozen=True)
class Monitoring:
    """All looks at a model, oldest first."""

    stream: Stream
    validated: Validated
    looks: tuple[Look, ...]

    @property
    def last(self) -> Look:
        """The latest look: its alarms are those that count."""
        return self.looks[-1]


def monitor(stream: Stream, as_of: date, *, seed: int) -> Monitoring:
    """Look at a stream at the end of every month that is over; once, where it has no dates."""
    validated = Validated.of(stream.bundle.recipe)
    ends: list[date | None] = list(_month_ends(stream, as_of)) if stream.dated else [None]
    looks = tuple(_look(stream, validated, end, seed) for end in ends or [as_of])
    return Monitoring(stream, validated, looks)


def _month_ends(stream: Stream, as_of: date) -> list[date]:
    """Give the last day of every month that is over, from the first patient to the last news."""
    news = [stream.date] if stream.outcomes is None else [stream.date, stream.outcomes.due]
    news_end = max(one.max() for one in news if one.size) + pd.offsets.MonthEnd(1)
    ends = pd.date_range(stream.date.min(), news_end, freq="ME")
    if not np.isnat(stream.last):
        as_of = min(as_of, stream.last.astype(date))
    return [one.date() for one in ends if one.date() < as_of]


def _look(stream: Stream, validated: Validated, until: date | None, seed: int) -> Look:
    rows = _window(stream.date, until)
    answered = rows[np.isfinite(stream.probability[rows])]
    checks: list[Check] = []
    if len(rows) >= LEAST:
        checks += input_checks(stream.bundle, stream.features.take(rows))
    if len(answered) >= LEAST:
        checks += prediction_checks(stream.bundle, stream.probability[answered])
    look = Look(until, len(rows), len(answered), 0, 0, 0, ())
    if stream.outcomes is not None:
        look = _with_outcomes(look, stream.outcomes, validated)
    if look.question is not None and look.sites is not None:
        checks += calibration_checks(look.question, validated)
        checks += benefit_checks(look.question, validated, seed=seed)
        checks += site_checks(look.question, look.sites, validated)
    return replace(look, checks=tuple(judge(checks)))


def _window(dates: np.ndarray, until: date | None, counted: np.ndarray | None = None) -> np.ndarray:
    """Give the rows of a look: the latest, up to so many that are counted; all without a date."""
    if until is None:
        return np.arange(len(dates))
    counted = np.ones(len(dates), dtype=bool) if counted is None else counted
    end, start = np.datetime64(until), np.datetime64(until.replace(day=1))
    past = np.flatnonzero(dates <= end)
    size = max(WINDOW, int((counted[past] & (dates[past] >= start)).sum()))
    after = counted[past][::-1].cumsum()[::-1]
    return past[after <= size]


def _with_outcomes(look: Look, outcomes: Outcomes, validated: Validated) -> Look:
    """Add the outcomes that were due by the date of the look, and known to the study."""
    until, recorded_to = look.until, outcomes.recorded_to
    if until is not None and not np.isnat(recorded_to):
        until = min(until, recorded_to.astype(date))
    rows = _window(outcomes.due, until, outcomes.asked.data.target.known)
    waiting = 0 if until is None else int((outcomes.due > np.datetime64(until)).sum())
    asked = outcomes.asked.take(rows)
    known = judged_rows(asked.data, asked.predicted)
    look = replace(look, due=len(rows), known=len(known), waiting=waiting)
    if len(known) < LEAST:
        return look
    question = questions(asked.data, asked.predicted, known).get(validated.question)
    if question is None:
        return look
    level, slope = calibration(question)
    sites = asked.data.rows.sites[known]
    return replace(look, level=level, slope=slope, question=question, sites=sites)


def site_table(look: Look) -> pd.DataFrame:
    """Give what is known of each site in the outcomes' window.

    Returns
    -------
    site, n, predicted and observed (means, with observation weights), level with its interval as
    low and high, and gain: what acting from the mean prediction on gains over the best alternative.
    """
    columns = ["site", "n", "predicted", "observed", "level", "low", "high", "gain"]
    if look.question is None or look.sites is None:
        return pd.DataFrame(columns=columns)
    whole, weights = look.question, look.question.weights
    at = float(np.clip(np.average(whole.probability[0], weights=weights), 0.01, 0.99))
    rows = []
    for site in np.unique(look.sites):
        own = whole.take(np.flatnonzero(look.sites == site))
        weights, n = own.weights, int((own.weights > 0).sum())
        if n:
            means = [
                float(np.average(one, weights=weights)) for one in (own.probability[0], own.outcome)
            ]
            level = calibration(own)[0] if n >= LEAST_AT_SITE else _NONE
            rows.append((site, n, *means, level.value, level.low, level.high, _gain(own, at)))
    return pd.DataFrame(rows, columns=columns)


def sites_together(look: Look, *, seed: int, resamples: int) -> list[AcrossSites]:
    """Pool sites by random effects; nothing with fewer than three that are large enough."""
    if look.question is None or look.sites is None:
        return []
    return across_sites(look.question, look.sites, seed=seed, resamples=resamples)


def _gain(question: Question, threshold: float) -> float:
    outcome, weights = question.outcome, question.weights[None]
    model = benefit_at(outcome, question.probability[0], weights, threshold)
    everybody = benefit_at(outcome, np.ones(len(outcome)), weights, threshold)
    return float((model - np.maximum(everybody, 0.0))[0])
