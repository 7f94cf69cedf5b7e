"""Recalibration at a new place, judged on patients it was not fitted to.

What a model is worth at a new place after a few dozen patients from there is not to be read off
those same patients: each is predicted by a recalibration fitted without him or her.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kappredict.errors import RefusedError
from kappredict.estimators.calibration import Answers, Calibration, Way, recalibrate
from kappredict.estimators.censoring import status_at
from kappredict.estimators.folds import patient_folds
from kappredict.estimators.targets import Target, Times, YesNo
from kappredict.evaluation.calibration_curve import distances
from kappredict.evaluation.cross_validation import OutOfFold
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.metrics_binary import (
    brier,
    calibration_intercept,
    calibration_slope,
    log_loss,
)
from kappredict.evaluation.metrics_survival import SeenTimes, SurvivalPredictions
from kappredict.evaluation.question import Question

# The fewest patients that a recalibration is tried with; then twice as many, and so on.
_FEWEST = 20


@dataclass(frozen=True)
class NewPlace:
    """A model where it was not trained: the margins it gave there, and what came of them.

    `weights` are the observation weights of the rows; those whose outcome is not known are neither
    learnt from nor judged.
    """

    calibration: Calibration
    margins: np.ndarray
    target: Target
    weights: np.ndarray
    patients: np.ndarray

    def take(self, rows: np.ndarray) -> "NewPlace":
        """Give some of the rows."""
        return NewPlace(
            self.calibration,
            self.margins[rows],
            self.target.take(rows),
            self.weights[rows],
            self.patients[rows],
        )

    def recalibrated(self, way: Way) -> Calibration:
        """Recalibrate on all rows whose outcome is known."""
        known = self.take(np.flatnonzero(self.target.known))
        return recalibrate(self.calibration, known.margins, _answers(known), way)

    def question(self, calibration: Calibration, day: float) -> Question:
        """Ask what a calibration says of every row: the outcome, or relapse by a day."""
        chance = calibration.chance(self.margins, day)[None]
        folds = np.zeros(chance.shape)
        match self.target:
            case YesNo(outcome):
                return Question.of_response(outcome, chance, folds, self.patients, self.weights)
            case Times() as target:
                grid = np.array([day])
                predicted = SurvivalPredictions(1 - chance[:, :, None], grid, folds, (day,))
                times = SeenTimes(target.seen, target.event)
                return Question.of_horizon(times, predicted, day, self.patients)


def out_of_fold(
    place: NewPlace, way: Way, days: np.ndarray, *, folds: int, repeats: int, seed: int
) -> OutOfFold:
    """Predict each patient by a recalibration on the others.

    With the same seed, every way sees the same folds: `none` gives what the model says as it is.

    Parameters
    ----------
    days
        Those to give the probability of no relapse by; empty for response.
    folds
        How many parts; fewer where one side of the outcome is rarer than that.

    Raises
    ------
    RefusedError
        If fewer than two patients have the outcome, or are without it.
    """
    strata = place.target.strata
    sides = [len(np.unique(place.patients[strata == side])) for side in (0, 1)]
    if min(sides) < 2:
        raise RefusedError(
            f"a recalibration cannot be judged: {sides[1]} patients are known with the outcome and "
            f"{sides[0]} without it, and it takes two of each"
        )
    parts = min(folds, *sides)
    predictions = np.full((repeats, len(place.margins), max(1, len(days))), np.nan)
    tested_in = np.full((repeats, len(place.margins)), -1)
    for repeat in range(repeats):
        splits = patient_folds(strata, place.patients, parts, seed + repeat)
        for number, (train, test) in enumerate(splits):
            calibration = place.take(train).recalibrated(way)
            margins = calibration.margin(place.margins[test])
            predictions[repeat, test] = calibration.at(margins, days)
            tested_in[repeat, test] = repeat * parts + number
    shaped = predictions if days.size else predictions[:, :, 0]
    spread = np.full(tested_in.shape, np.nan)
    return OutOfFold(shaped, tested_in, days, spread, (way,) * (repeats * parts))


def by_patients(place: NewPlace, way: Way, *, day: float, draws: int, seed: int) -> pd.DataFrame:
    """Show how good a recalibration is after 0, 20, 40, 80 … patients of the new place.

    Each draw keeps half of the patients to judge all sizes on, and recalibrates on the first so
    many of the rest. For relapse, what is judged is relapse by `day`.

    Returns
    -------
    patients, figure (intercept, slope, ici, brier, log_loss), value, low, high: the mean over draws
    and the range that holds 95 % of them.
    """
    place = place.take(np.flatnonzero(place.target.known))
    names, rng = np.unique(place.patients), np.random.default_rng(seed)
    sizes = [
        0,
        *(_FEWEST * 2**step for step in range(20) if _FEWEST * 2 ** (step + 1) <= len(names)),
    ]
    found: dict[tuple[int, str], list[float]] = {}
    for _ in range(draws):
        order = rng.permutation(names)
        judged = np.flatnonzero(np.isin(place.patients, order[len(names) // 2 :]))
        for size in sizes:
            learnt = np.flatnonzero(np.isin(place.patients, order[:size]))
            calibration = place.take(learnt).recalibrated(way) if size else place.calibration
            question = place.question(calibration, day).take(judged)
            for name, value in question.statistic(_figures)(np.ones((1, len(judged)))).items():
                found.setdefault((size, name), []).append(value.item())
    rows = [(*key, *_summary(np.array(values))) for key, values in found.items()]
    return pd.DataFrame(rows, columns=["patients", "figure", "value", "low", "high"])


def _answers(place: NewPlace) -> Answers:
    """Say what came of every row, as it is judged.

    Relapse counts from the visit that showed it, by every day that enough were followed to. Where
    visits are rare it came well before; but predictions are compared with what a clinic there will
    have on record.
    """
    match place.target:
        case YesNo(outcome):
            return Answers(np.empty(0), outcome[:, None] == 1, place.weights[:, None])
        case Times(event=event) as target:
            times = SeenTimes(target.seen, event)
            days = np.array([day for day in target.grid if times.followed_to(day)])
            weights, well = status_at(target.seen, target.relapsed, event > 0, days)
            return Answers(days, well, place.weights[:, None] * weights)


def _figures(
    outcome: np.ndarray, probability: np.ndarray, fold: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    del fold
    return {
        "intercept": calibration_intercept(outcome, probability, weights),
        "slope": calibration_slope(outcome, probability, weights),
        "ici": distances(outcome, probability, weights)["ici"],
        "brier": brier(outcome, probability, weights),
        "log_loss": log_loss(outcome, probability, weights),
    }


def _summary(draws: np.ndarray) -> tuple[float, float, float]:
    """Give mean and range of what could be computed; NaN where it often could not."""
    defined = draws[np.isfinite(draws)]
    mean = float(defined.mean()) if defined.size else np.nan
    one = Estimate.from_resamples(mean, draws)
    return one.value, one.low, one.high
