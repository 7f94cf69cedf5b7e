"""Discrimination, accuracy and calibration of predicted relapse-free survival, with intervals.

**Which day.** Relapse is seen at a visit: a course counts as relapsed on the day it was seen
(`upper`), not on an unknown day before, and as lost on the day it was last seen well (`lower`).
Predictions are judged against what a clinic would have on record.

**Who is known on a day.** Somebody last seen well on a day is known to be well on that day: of all
that happens on one day, leaving observation comes last. Visits fall on the same days as horizons,
so this decides whether a last horizon has anybody in it. The chance of being under observation is
therefore taken just before a day, G(t−), everywhere; where no two things share a day this is the
usual definition to the digit.

**Competing events.** The quantity predicted is relapse by a day. Somebody who died or changed
treatment before it has not relapsed by it, and never will: a known "no" (cumulative incidence;
Wolbers et al. 2014, definition 2 of Blanche et al. 2013), not a loss.

Those lost are made up for by weighting those known by the inverse of their chance of still being
observed (IPCW), estimated by Kaplan-Meier from the rows judged. At a horizon everything is then a
metric of a yes or no (`kappredict.evaluation.metrics_binary`) under those weights.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kappredict.evaluation.bootstrap import Statistic, bootstrap, difference
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.metrics_binary import (
    auc,
    brier,
    calibration_slope,
    ratio,
    require_probabilities,
)

# With fewer courses followed to a day, weights are too large for any figure on that day.
LEAST_FOLLOWED = 10
# Cases compared at once, so that memory stays bounded.
_BLOCK = 512

Key = tuple[str, str]
"""The name of a figure, and the day it belongs to (empty for the whole period)."""


@dataclass(frozen=True)
class SeenTimes:
    """The day each course was last seen, and what was seen then (0 nothing, 1 relapse, 2 other)."""

    seen: np.ndarray
    event: np.ndarray

    @classmethod
    def of(cls, lower: np.ndarray, upper: np.ndarray, event: np.ndarray) -> "SeenTimes":
        """Take the visit that showed an event, and the last visit where none did."""
        seen = np.where(event > 0, upper, lower).astype(float)
        if not np.isfinite(seen).all():
            raise ValueError("an event needs a finite `upper`, a course without one a `lower`")
        return cls(seen, np.asarray(event))

    def relapsed_by(self, day: float | np.ndarray) -> np.ndarray:
        """Tell who is known to have relapsed up to and including a day."""
        return (self.event == 1) & (self.seen <= day)

    def ended_by(self, day: float | np.ndarray) -> np.ndarray:
        """Tell whose wait was ended, by relapse or otherwise, up to and including a day."""
        return (self.event > 0) & (self.seen <= day)

    def waiting_on(self, day: float | np.ndarray) -> np.ndarray:
        """Tell who is known to be still at risk on a day, at its end."""
        return (self.seen >= day) & ~self.ended_by(day)

    def followed_to(self, day: float) -> bool:
        """Tell whether enough courses were followed to a day, or nobody was lost before it."""
        lost = (self.event == 0) & (self.seen < day)
        return bool(not lost.any() or (self.seen >= day).sum() >= LEAST_FOLLOWED)


@dataclass(frozen=True)
class SurvivalPredictions:
    """Out-of-fold probabilities of no relapse by each day of `grid`: repeats × rows × days.

    `folds` (repeats × rows) names the test fold of each row; `horizons` are days of the grid.

    Raises
    ------
    ValueError
        If shapes do not fit, a prediction is no probability, or a horizon is not on the grid.
    """

    survival: np.ndarray
    grid: np.ndarray
    folds: np.ndarray
    horizons: tuple[float, ...]

    def __post_init__(self) -> None:
        require_probabilities(self.survival)
        if self.survival.shape != (*self.folds.shape, len(self.grid)):
            raise ValueError(
                f"survival {self.survival.shape} is not repeats × rows × days of folds "
                f"{self.folds.shape} and {len(self.grid)} grid days"
            )
        missing = sorted(set(self.horizons) - set(self.grid.tolist()))
        if missing or (np.diff(self.grid) <= 0).any():
            raise ValueError(
                f"grid days must increase and contain the horizons; missing: {missing}"
            )

    def risk_by(self, day: float) -> np.ndarray:
        """Give the predicted probability of relapse by a day of the grid (repeats × rows)."""
        return 1 - self.survival[:, :, int(np.searchsorted(self.grid, day))]


@dataclass(frozen=True)
class ObservationChances:
    """Kaplan-Meier chances of still being under observation, one curve per row of weights."""

    days: np.ndarray
    chance: np.ndarray

    @classmethod
    def fit(cls, times: SeenTimes, weights: np.ndarray) -> "ObservationChances":
        """Estimate the curves; what ended the wait on a day comes before a loss on that day."""
        order = np.argsort(times.seen, kind="stable")
        days, starts = np.unique(times.seen[order], return_index=True)
        if not len(days):
            return cls(days, np.ones((len(weights), 1)))
        lost = np.add.reduceat((weights * (times.event == 0))[:, order], starts, axis=1)
        everyone = np.add.reduceat(weights[:, order], starts, axis=1)
        later = everyone[:, ::-1].cumsum(axis=1)[:, ::-1] - everyone
        at_risk = later + lost
        hazard = np.divide(lost, at_risk, out=np.zeros_like(lost), where=at_risk > 0)
        chance = np.cumprod(1 - hazard, axis=1)
        return cls(days, np.column_stack([np.ones(len(weights)), chance]))

    def inverse(self, day: np.ndarray | float) -> np.ndarray:
        """Give 1 / chance just before each day (curves × days); 0 where nobody is left."""
        chance = self.chance[:, np.searchsorted(self.days, np.atleast_1d(day), side="left")]
        return np.divide(1.0, chance, out=np.zeros_like(chance), where=chance > 0)


def survival_metrics(  # noqa: PLR0913, PLR0917  # rows' columns, then the bootstrap's two settings
    lower: np.ndarray,
    upper: np.ndarray,
    event: np.ndarray,
    survival: np.ndarray,
    grid: np.ndarray,
    horizons: Iterable[float],
    folds: np.ndarray,
    patients: np.ndarray,
    *,
    seed: int,
    resamples: int,
) -> dict[str, Any]:
    """Give the metrics of relapse-free survival with intervals.

    Parameters
    ----------
    lower, upper, event
        Days between which each wait ended, and how (0 not seen to end, 1 relapse, 2 … other).
    survival, folds
        Repeats × rows × days of `grid`, and repeats × rows; see `SurvivalPredictions`.
    horizons
        Days, all of them on the grid, at which metrics are given one by one.
    patients
        The patient of each row; patients are what is resampled.

    Returns
    -------
    `c_index` and `integrated_brier`, up to the last grid day that enough courses were followed to;
    and `horizons`, which maps each day (as text) to `auc`, `brier`, `calibration` (observed over
    expected relapses) and `calibration_slope`, with a `reason` where one of them is missing.
    """
    times = SeenTimes.of(lower, upper, event)
    predictions = SurvivalPredictions(survival, grid, folds, tuple(horizons))
    found = bootstrap(
        survival_statistic(times, predictions), patients, seed=seed, resamples=resamples
    )
    return _by_horizon(found, times, predictions.horizons)


def survival_differences(
    times: SeenTimes,
    predictions: tuple[SurvivalPredictions, SurvivalPredictions],
    patients: np.ndarray,
    *,
    seed: int,
    resamples: int,
) -> dict[str, Any]:
    """Give the metrics of the first predictions minus those of the second, on the same rows."""
    first, second = (survival_statistic(times, one) for one in predictions)
    found = bootstrap(difference(first, second), patients, seed=seed, resamples=resamples)
    return _by_horizon(found, times, predictions[0].horizons)


def survival_statistic(times: SeenTimes, predictions: SurvivalPredictions) -> Statistic[Key]:
    """Make the statistic of all metrics, each averaged over repeats."""
    followed = np.array([times.followed_to(day) for day in predictions.grid], dtype=bool)

    def statistic(weights: np.ndarray) -> dict[Key, np.ndarray]:
        chances = ObservationChances.fit(times, weights)
        values = _overall(times, predictions, followed, weights, chances)
        for day in predictions.horizons:
            values |= _at_horizon(times, predictions, day, weights, chances)
        return values

    return statistic


def _overall(
    times: SeenTimes,
    predictions: SurvivalPredictions,
    followed: np.ndarray,
    weights: np.ndarray,
    chances: ObservationChances,
) -> dict[Key, np.ndarray]:
    nothing = np.full(len(weights), np.nan)
    if not followed.any():
        return {("c_index", ""): nothing, ("integrated_brier", ""): nothing}
    grid = predictions.grid[followed]
    concordances, errors = [], []
    for survival, fold in zip(predictions.survival[:, :, followed], predictions.folds, strict=True):
        # One number per course: the expected share of the period spent relapsed.
        risk = 1 - survival.mean(axis=1)
        concordances.append(c_index(times, risk, fold, weights, chances, until=grid[-1]))
        errors.append(integrated_brier(times, survival, grid, weights, chances))
    return {
        ("c_index", ""): np.mean(concordances, axis=0),
        ("integrated_brier", ""): np.mean(errors, axis=0),
    }


def _at_horizon(
    times: SeenTimes,
    predictions: SurvivalPredictions,
    day: float,
    weights: np.ndarray,
    chances: ObservationChances,
) -> dict[Key, np.ndarray]:
    """Give the figures of one horizon, averaged over repeats; NaN where it was not reached."""
    known = known_weights(times, day, weights, chances)
    relapsed = times.relapsed_by(day).astype(float)
    # Weights of those known add up to everyone's, unless the last ones were lost before the day.
    reached = times.followed_to(day) & (known.sum(axis=1) > (1 - 1e-6) * weights.sum(axis=1))
    repeats = [
        {
            "auc": auc(relapsed, risk, fold, known),
            "brier": brier(relapsed, risk, known),
            "calibration": ratio(known @ relapsed, weights @ risk),
            "calibration_slope": calibration_slope(relapsed, risk, known),
        }
        for risk, fold in zip(predictions.risk_by(day), predictions.folds, strict=True)
    ]
    return {
        (name, f"{day:g}"): np.where(
            reached, np.mean([one[name] for one in repeats], axis=0), np.nan
        )
        for name in repeats[0]
    }


def known_weights(
    times: SeenTimes, day: float, weights: np.ndarray, chances: ObservationChances
) -> np.ndarray:
    """Give each row's weight at a day (resamples × rows): 0 for those lost before it.

    Those whose wait ended by the day weigh the inverse of their chance of being observed until it
    ended, those still waiting the inverse of the chance of being observed until the day (Graf et
    al. 1999). The weighted share of relapses is the Aalen-Johansen estimate (Satten, Datta 2001).
    """
    ended = chances.inverse(times.seen) * times.ended_by(day)
    return weights * (ended + chances.inverse(day) * times.waiting_on(day))


def c_index(
    times: SeenTimes,
    risk: np.ndarray,
    fold: np.ndarray,
    weights: np.ndarray,
    chances: ObservationChances,
    *,
    until: float,
) -> np.ndarray:
    """Give Uno's C: the chance that of two courses of one fold the first to relapse ranks higher.

    Relapses up to and including day `until` count. Only pairs inside a test fold count, as for
    `metrics_binary.auc`. Uno et al. 2011; with competing events Wolbers et al. 2014.
    """
    inverse = chances.inverse(times.seen)
    won, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for name in np.unique(fold):
        rows = np.flatnonzero(fold == name)
        cases = rows[times.relapsed_by(until)[rows]]
        for start in range(0, len(cases), _BLOCK):
            some = cases[start : start + _BLOCK]
            higher = np.sign(risk[some, None] - risk[rows]) / 2 + 0.5
            known = SeenTimes(times.seen[rows], times.event[rows])
            day = times.seen[some, None]
            case = weights[:, some] * inverse[:, some]
            for other, comparable, case_weight in (
                (weights[:, rows], known.waiting_on(day), case * inverse[:, some]),
                (
                    weights[:, rows] * inverse[:, rows],
                    known.ended_by(day) & (known.event > 1),
                    case,
                ),
            ):
                won += ((case_weight @ (comparable * higher)) * other).sum(axis=1)
                pairs += ((case_weight @ comparable.astype(float)) * other).sum(axis=1)
    return ratio(won, pairs)


def integrated_brier(
    times: SeenTimes,
    survival: np.ndarray,
    grid: np.ndarray,
    weights: np.ndarray,
    chances: ObservationChances,
) -> np.ndarray:
    """Give the Brier score averaged over the days of a grid, by the trapezoidal rule.

    The Brier score of each day is that of Graf et al. 1999; of a single day it is its own average.
    """
    relapsed = times.relapsed_by(grid[:, None]).T
    error = (relapsed - (1 - survival)) ** 2
    ended = (weights * chances.inverse(times.seen)) @ (times.ended_by(grid[:, None]).T * error)
    waiting = (weights @ (times.waiting_on(grid[:, None]).T * error)) * chances.inverse(grid)
    total = np.broadcast_to(weights.sum(axis=1, keepdims=True), ended.shape)
    by_day = ratio(ended + waiting, total)
    if len(grid) == 1:
        return by_day[:, 0]
    return np.asarray(np.trapezoid(by_day, grid, axis=1)) / (grid[-1] - grid[0])


def _by_horizon(
    found: dict[Key, Estimate], times: SeenTimes, horizons: tuple[float, ...]
) -> dict[str, Any]:
    """Nest flat results by horizon and say why a figure is missing."""
    nested: dict[str, Any] = {name: value for (name, day), value in found.items() if not day}
    nested["horizons"] = {}
    for horizon in horizons:
        figures: dict[str, Any] = {
            name: value for (name, day), value in found.items() if day == f"{horizon:g}"
        }
        if any(np.isnan(one.value) for one in figures.values()):
            figures["reason"] = _reason(times, horizon)
        nested["horizons"][f"{horizon:g}"] = figures
    return nested


def _reason(times: SeenTimes, day: float) -> str:
    if not times.followed_to(day):
        return f"fewer than {LEAST_FOLLOWED} courses were followed to day {day:g}"
    relapsed = times.relapsed_by(day)
    if not relapsed.any():
        return f"no relapse was seen by day {day:g}"
    if not (times.waiting_on(day) | (times.ended_by(day) & ~relapsed)).any():
        return f"everybody whose course is known had relapsed by day {day:g}"
    return "all courses were given the same prediction, or predictions separate them perfectly"
