"""What models would have been worth in the past, asked about the courses that came after them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from kappredict.evaluation.cross_validation import OutOfFold
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.external import Asked
from kappredict.evaluation.report import metrics_of
from kappredict.evaluation.settings import TrainingSettings

# With fewer of either outcome a period has no figure of its own.
_LEAST_EITHER_SIDE = 5


def retraining_dates(began: pd.Series, months: int) -> list[pd.Timestamp]:
    """Give the first day of every so many months, from the first course begun to the last."""
    first, last = began.min(), began.max()
    return list(pd.date_range(first.normalize(), last, freq=f"{months}MS"))


def begun_between(
    asked: Asked, began: pd.Series, start: pd.Timestamp, end: pd.Timestamp
) -> np.ndarray:
    """Give the rows whose course began from a day until before another, with a known outcome.

    Parameters
    ----------
    began
        When each course began, by course.
    """
    moment = asked.data.courses["course_id"].map(began)
    inside = ((moment >= start) & (moment < end)).to_numpy(dtype=bool)
    return np.flatnonzero(inside & asked.data.target.known)


def discrimination_on(asked: Asked, rows: np.ndarray, settings: TrainingSettings) -> Estimate:
    """Give AUC or C of some rows; NaN where there are too few of either outcome."""
    target = asked.data.target.take(rows)
    if min(target.events, target.n - target.events) < _LEAST_EITHER_SIDE:
        return Estimate(np.nan, np.nan, np.nan)
    found = metrics_of(asked.data, asked.predicted, rows, settings)
    figure: Estimate = found["c_index"] if "c_index" in found else found["auc"]
    return figure


def followed(serving: Sequence[tuple[Asked, np.ndarray]], settings: TrainingSettings) -> Estimate:
    """Give AUC or C over all periods, each predicted by the model that served in it.

    Only courses of one period are compared with one another.

    Parameters
    ----------
    serving
        For each period the model that served and the rows of the courses begun in it.
    """
    if not serving:
        return Estimate(np.nan, np.nan, np.nan)
    first = serving[0][0]
    predictions = np.full_like(first.predicted.predictions, np.nan)
    folds = np.full_like(first.predicted.folds, -1)
    for number, (asked, rows) in enumerate(serving):
        predictions[:, rows] = asked.predicted.predictions[:, rows]
        folds[:, rows] = number
    predicted: OutOfFold = replace(first.predicted, predictions=predictions, folds=folds)
    rows = np.flatnonzero(folds[0] >= 0)
    return discrimination_on(replace(first, predicted=predicted), rows, settings)
