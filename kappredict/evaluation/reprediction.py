"""Predicting relapse anew as a course goes on: one model for every day on which it may be asked.

A landmark super-model (van Houwelingen and Putter 2012, chapter 7): each course enters once for
every day on which it was still at risk, with its features as they stood strictly before that day,
the day itself among them, and the wait that remained. All rows of a patient stay together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
import pandas as pd

from kappredict.data.study import Study
from kappredict.domain.features import ColumnFeature, FeatureSpec
from kappredict.domain.task import PredictionTask
from kappredict.domain.windows import Moment
from kappredict.estimators.candidates import Candidate
from kappredict.estimators.fit import FittedModel, Rows, fit_model, stack_rows
from kappredict.estimators.folds import patient_folds
from kappredict.evaluation.cross_validation import OutOfFold, predict, reported_days
from kappredict.evaluation.modelling_set import ModellingSet, set_with_features
from kappredict.features.table import FeatureTable

_DAY = "day_of_prediction"
_SPEC = FeatureSpec(
    name=_DAY,
    label="Day of the prediction",
    kind="numeric",
    group="time since the first dose",
    unit="days",
    recipe=ColumnFeature(
        table="courses",
        column=_DAY,
        label="Day of the prediction",
        group="time since the first dose",
        kind="numeric",
    ),
)


@dataclass(frozen=True)
class Landmarks:
    """The modelling sets of a relapse task, one for each day after the index day."""

    days: tuple[float, ...]
    sets: tuple[ModellingSet, ...]

    @property
    def rows(self) -> Rows:
        """All courses on all days, one below the other."""
        stacked = stack_rows([one.rows for one in self.sets])
        return replace(stacked, condition=np.zeros(len(stacked.target), dtype=int))

    def fit(self, candidates: Sequence[Candidate], *, folds: int, seed: int) -> FittedModel:
        """Fit one model for all days."""
        return fit_model(self.rows, candidates, folds=folds, seed=seed)


def landmarks(
    study: Study, task: PredictionTask, specs: tuple[FeatureSpec, ...], days: Sequence[float]
) -> Landmarks:
    """Build the modelling set of a relapse task on each of some days after the index day."""
    sets = []
    for day in days:
        moments = {**task.condition.landmarks, task.landmark: Moment(day=day)}
        condition = task.condition.model_copy(update={"landmarks": moments})
        data = set_with_features(study, replace(task, condition=condition), specs)
        sets.append(
            replace(data, features=_dated(data.features, day), context=_dated(data.context, day))
        )
    return Landmarks(tuple(days), tuple(sets))


def out_of_fold(
    marks: Landmarks, candidates: Sequence[Candidate], *, folds: int, inner: int, seed: int
) -> list[OutOfFold]:
    """Predict every course on every day by a model that saw none of its patient's rows.

    Returns
    -------
    One `OutOfFold` for each day, of that day's courses.
    """
    rows, sizes = marks.rows, [len(one.target) for one in marks.sets]
    starts = [0, *accumulate(sizes)]
    found = [_empty(one) for one in marks.sets]
    for number, (train, test) in enumerate(
        patient_folds(rows.target.strata, rows.patients, folds, seed)
    ):
        model = fit_model(rows.take(train), candidates, folds=inner, seed=seed)
        for place, data in enumerate(marks.sets):
            mine = test[(test >= starts[place]) & (test < starts[place + 1])] - starts[place]
            predicted = predict(model, data.features.take(mine), found[place].days)
            found[place].predictions[0, mine] = predicted
            found[place].folds[0, mine] = number
    return found


def _empty(data: ModellingSet) -> OutOfFold:
    n = len(data.target)
    days = reported_days(data.target, data.task.condition.at_risk.horizons)  # type: ignore[arg-type]  # relapse
    folds, spread = np.full((1, n), -1), np.full((1, n), np.nan)
    return OutOfFold(np.full((1, n, len(days)), np.nan), folds, days, spread, ())


def _dated(table: FeatureTable, day: float) -> FeatureTable:
    """Put the day of the prediction among the features."""
    frame = pd.concat([table.frame, pd.DataFrame({_DAY: day}, index=table.frame.index)], axis=1)
    return FeatureTable(frame, (*table.specs, _SPEC))
