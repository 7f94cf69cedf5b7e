"""Out-of-fold predictions of a task under every split scheme, beside two baselines.

Each fold repeats the whole of `fit_model` on its training rows: choice of the candidate, columns,
calibration. The baselines are the base rate of the training rows and a model of the site, study
and arm labels alone: what a label explains is no knowledge of the patient.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from kappredict.domain.features import ColumnFeature, FeatureSpec
from kappredict.estimators.blocks import spread_out
from kappredict.estimators.candidates import BoostedAFT, Candidate, Logistic
from kappredict.estimators.fit import FittedModel, Rows, fit_model
from kappredict.estimators.limits import limits_of
from kappredict.estimators.targets import Times
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.settings import TrainingSettings
from kappredict.evaluation.splits import Fold, SchemeFolds
from kappredict.features.table import FeatureTable

MODEL, BASE_RATE, LABELS = "model", "base_rate", "labels"
_LABELS = ("site", "study", "arm")


@dataclass(frozen=True)
class OutOfFold:
    """Predictions of one contender under one scheme.

    `predictions` is repeats × rows (probability) or repeats × rows × days (probability of no
    relapse by each day of `days`), NaN where a row was in no test fold; `folds` numbers the test
    fold of each row, -1 where there was none. `spread` (repeats × rows) is the standard
    deviation of each calibrated margin, of the model only; `winners` names what each fold chose.
    """

    predictions: np.ndarray
    folds: np.ndarray
    days: np.ndarray
    spread: np.ndarray
    winners: tuple[str, ...]

    def take(self, rows: np.ndarray) -> "OutOfFold":
        """Give the predictions of some rows."""
        return replace(
            self,
            predictions=self.predictions[:, rows],
            folds=self.folds[:, rows],
            spread=self.spread[:, rows],
        )


Predictions = dict[str, dict[str, OutOfFold]]
"""Scheme → contender → predictions."""


@dataclass(frozen=True)
class FoldPredictions:
    """Predictions of a fold's test rows, their spread, and the kind of candidate that won."""

    predictions: np.ndarray
    spread: np.ndarray
    winner: str


@dataclass(frozen=True)
class _Job:
    task: int
    scheme: str
    contender: str
    fold: Fold


def reported_days(target: Times, horizons: Iterable[float]) -> np.ndarray:
    """Give the days for which survival is predicted: an even grid, and the horizons."""
    return np.unique(np.concatenate([target.grid, np.array(list(horizons))]))


def predict(model: FittedModel, table: FeatureTable, days: np.ndarray) -> np.ndarray:
    """Predict a probability per row or, for relapse, survival per row and day."""
    margins = model.margins(table)
    if days.size:
        return model.calibration.survival(margins, days)  # type: ignore[union-attr]  # relapse
    return model.calibration.probability(margins)  # type: ignore[union-attr]  # response


def cross_validate(
    data: list[ModellingSet],
    schemes: list[Mapping[str, SchemeFolds]],
    settings: TrainingSettings,
    progress: Callable[[int, int], None],
) -> list[Predictions]:
    """Predict every task under each of its schemes.

    Folds of all tasks run side by side, one process per core, each on one thread.

    Returns
    -------
    For each task: scheme → contender → predictions.
    """
    contenders = (MODEL, BASE_RATE, LABELS)
    jobs = [
        _Job(task, scheme, contender, fold)
        for task, planned in enumerate(schemes)
        for scheme, folds in planned.items()
        for contender in contenders
        for fold in folds.folds
    ]
    prepared = [{name: _contender(one, name, settings) for name in contenders} for one in data]
    days = [days_of(one) for one in data]
    work = (
        delayed(fit_and_predict)(
            job.contender, *prepared[job.task][job.contender], job.fold, days[job.task], settings
        )
        for job in jobs
    )
    results = Parallel(n_jobs=-1, return_as="generator")(work)
    collected: dict[tuple[int, str, str], list[FoldPredictions]] = defaultdict(list)
    for done, (job, result) in enumerate(zip(jobs, results, strict=True), start=1):
        collected[job.task, job.scheme, job.contender].append(result)
        progress(done, len(jobs))
    return [
        {
            scheme: {
                name: assemble(folds, collected[task, scheme, name], len(one.target), days[task])
                for name in contenders
            }
            for scheme, folds in schemes[task].items()
        }
        for task, one in enumerate(data)
    ]


def days_of(data: ModellingSet) -> np.ndarray:
    """Give the days for which a task's survival is predicted; none for a yes or no."""
    if isinstance(data.target, Times):
        return reported_days(data.target, data.task.condition.at_risk.horizons)
    return np.empty(0)


def _contender(
    data: ModellingSet, name: str, settings: TrainingSettings
) -> tuple[Rows, tuple[Candidate, ...]]:
    """Give the rows and candidates of a contender."""
    if name == MODEL:
        return data.all_rows, settings.candidates(data.task)
    labels = _LABELS if name == LABELS else ()
    # What tells studies apart is kept from the model; of the labels it is the whole point.
    one_study = np.zeros(len(data.all_courses))
    features = label_table(data.all_courses, labels)
    rows = replace(data.all_rows, features=features, context=features, studies=one_study)
    simple: Candidate = (
        BoostedAFT(model="boosted_aft", rounds=60)
        if data.task.is_relapse
        else Logistic(model="logistic", inverse_penalty=1.0)
    )
    return rows, (simple,)


def label_table(courses: pd.DataFrame, labels: tuple[str, ...]) -> FeatureTable:
    """Make a feature table of the design's labels alone."""
    specs = tuple(
        FeatureSpec(
            name=label,
            label=label,
            kind="category",
            group=label,
            recipe=ColumnFeature(
                table="courses", column=label, label=label, group=label, kind="category"
            ),
        )
        for label in labels
    )
    return FeatureTable(courses[list(labels)].astype("str").reset_index(drop=True), specs)


def fit_and_predict(
    name: str,
    rows: Rows,
    candidates: tuple[Candidate, ...],
    fold: Fold,
    days: np.ndarray,
    settings: TrainingSettings,
) -> FoldPredictions:
    """Let candidates compete on a fold's training rows, and predict its test rows."""
    train, test = rows.take(fold.train), rows.features.take(fold.test)
    model = fit_model(train, candidates, folds=settings.inner_folds, seed=settings.seed)
    spread = np.full(len(fold.test), np.nan)
    if name == MODEL:
        limits = limits_of(model, train)
        spread = limits.uncertainty.spread(model.encoder.transform(test))
    return FoldPredictions(predict(model, test, days), spread, model.candidate.model)


def assemble(
    planned: SchemeFolds, results: Sequence[FoldPredictions], n: int, days: np.ndarray
) -> OutOfFold:
    """Lay the results of a scheme's folds out by repeat and row."""
    repeats = 1 + max(fold.repeat for fold in planned.folds)
    predictions = np.full((repeats, n, len(days)) if days.size else (repeats, n), np.nan)
    spread, folds = np.full((repeats, n), np.nan), np.full((repeats, n), -1)
    for number, (fold, result) in enumerate(zip(planned.folds, results, strict=True)):
        predictions[fold.repeat, fold.test] = result.predictions
        spread[fold.repeat, fold.test] = result.spread
        folds[fold.repeat, fold.test] = number
    return OutOfFold(predictions, folds, days, spread, tuple(one.winner for one in results))


def described(
    data: ModellingSet, predictions: Mapping[str, Mapping[str, OutOfFold]], most: int
) -> tuple[ModellingSet, Predictions]:
    """Give at most so many courses, evenly spread, with their predictions: enough to describe."""
    rows = spread_out(len(data.target), most)
    kept = {
        scheme: {name: one.take(rows) for name, one in contenders.items()}
        for scheme, contenders in predictions.items()
    }
    if len(rows) == len(data.target):
        return data, kept
    kin = tuple(one.take(spread_out(len(one.target), most)) for one in data.kin)
    return replace(data.take(rows), kin=kin), kept
