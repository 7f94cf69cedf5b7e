"""The questions that a task's out-of-fold predictions answer: one of response, one per horizon."""

import numpy as np

from kappredict.estimators.targets import Times, YesNo
from kappredict.evaluation.cross_validation import OutOfFold
from kappredict.evaluation.metrics_survival import SeenTimes, SurvivalPredictions
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.question import Question


def questions(data: ModellingSet, predicted: OutOfFold, rows: np.ndarray) -> dict[str, Question]:
    """Put the task's questions to some rows, all of them tested and with a known outcome.

    Returns
    -------
    `response` or `remission` and its question or, for relapse, `day 30` and so on for each horizon
    that enough courses were followed to.
    """
    patients = data.rows.patients[rows]
    predictions, folds = predicted.predictions[:, rows], predicted.folds[:, rows]
    match data.target.take(rows):
        case YesNo() as target:
            asked = Question.of_response(
                target.outcome, predictions, folds, patients, data.weights[rows]
            )
            return {data.task.outcome: asked}
        case Times() as target:
            times = SeenTimes.of(target.lower, target.upper, target.event)
            horizons = tuple(data.task.condition.at_risk.horizons)
            survival = SurvivalPredictions(predictions, predicted.days, folds, horizons)
            return {
                f"day {day:g}": Question.of_horizon(times, survival, day, patients)
                for day in horizons
                if times.followed_to(day)
            }


def judged_rows(data: ModellingSet, predicted: OutOfFold) -> np.ndarray:
    """Give the rows that every repeat tested and whose outcome is known."""
    return np.flatnonzero((predicted.folds >= 0).all(axis=0) & data.target.known)
