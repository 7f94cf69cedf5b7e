"""What more patients would buy, and what more assessments: the same folds, with less of either.

A fold's training patients are thinned out at random, its test patients stay. An inverse power law
through the figures (Figueroa et al. 2012), with the power held at one half because five points tell
no third number, says what twice the patients would give; its interval says how wild a guess it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.optimize import curve_fit

from kappredict.estimators.candidates import Candidate
from kappredict.estimators.fit import Rows, fit_model
from kappredict.evaluation.cross_validation import OutOfFold, predict
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.questions import judged_rows
from kappredict.evaluation.report import metrics_of
from kappredict.evaluation.settings import TrainingSettings
from kappredict.evaluation.splits import Fold, SchemeFolds
from kappredict.features.table import FeatureTable

SHARES = (0.25, 0.4, 0.6, 0.8, 1.0)
_DRAWS = 200


@dataclass(frozen=True)
class LearningCurve:
    """A figure by number of training patients, and what twice as many would give.

    `points` has patients, value, low, high; `doubled` is the gain expected of doubling them.
    """

    figure: str
    points: pd.DataFrame
    doubled: Estimate


def learning_curve(
    data: ModellingSet, scheme: SchemeFolds, days: np.ndarray, settings: TrainingSettings
) -> LearningCurve:
    """Refit a task on growing shares of its patients."""
    figure = "c_index" if data.task.is_relapse else "auc"
    found = []
    for share in SHARES:
        predicted, patients = _refit(data, data.all_rows, scheme, days, settings, share)
        rows = judged_rows(data, predicted)
        one = metrics_of(data, predicted, rows, settings)[figure]
        found.append((patients, one.value, one.low, one.high))
    points = pd.DataFrame(found, columns=["patients", "value", "low", "high"])
    return LearningCurve(figure, points, _doubled(points, settings.seed))


def feature_sets(table: FeatureTable) -> dict[str, FeatureTable]:
    """Name what could be recorded, from the least to everything: each set contains the one before.

    Where a feature comes from decides: facts of the person and the plan, history, totals of
    instruments, single items, sessions held.
    """
    order = {"columns": 0, "history": 1, "totals": 2, "items": 3, "sessions": 4}
    words = ("person and plan", "and history", "and totals", "and items", "and sessions held")
    rank = np.array([order[_source(type(spec.recipe).__name__)] for spec in table.specs])
    found = {}
    for place, word in enumerate(words):
        if (rank == place).any():
            specs = tuple(
                spec for spec, mine in zip(table.specs, rank, strict=True) if mine <= place
            )
            found[word] = FeatureTable(table.frame[[spec.name for spec in specs]], specs)
    return found


def more_features(
    data: ModellingSet, scheme: SchemeFolds, days: np.ndarray, settings: TrainingSettings
) -> Mapping[str, Estimate]:
    """Give the figure of each growing set of features, in the same folds."""
    figure = "c_index" if data.task.is_relapse else "auc"
    found = {}
    for name, table in feature_sets(data.all_rows.features).items():
        rows = replace(data.all_rows, features=table)
        predicted, _ = _refit(data, rows, scheme, days, settings, 1.0)
        tested = judged_rows(data, predicted)
        found[name] = metrics_of(data, predicted, tested, settings)[figure]
    return found


def _source(recipe: str) -> str:
    return {
        "ColumnFeature": "columns",
        "HistoryFeature": "history",
        "TotalFeature": "totals",
        "ItemFeature": "items",
        "DeliveredFeature": "sessions",
    }[recipe]


def _refit(
    data: ModellingSet,
    rows: Rows,
    scheme: SchemeFolds,
    days: np.ndarray,
    settings: TrainingSettings,
    share: float,
) -> tuple[OutOfFold, int]:
    """Predict out of fold from a share of each fold's training patients; and how many those are."""
    thinned = [
        _thinned(rows, one, share, settings.seed + number)
        for number, one in enumerate(scheme.folds)
        if one.repeat == 0
    ]
    candidates = settings.candidates(data.task)
    work = (delayed(_fold)(rows, candidates, fold, days, settings) for fold, _ in thinned)
    n = len(data.target)
    predictions = np.full((1, n, len(days)) if days.size else (1, n), np.nan)
    tested = np.full((1, n), -1)
    found = Parallel(n_jobs=-1)(work)
    for number, ((fold, _), predicted) in enumerate(zip(thinned, found, strict=True)):
        predictions[0, fold.test] = predicted
        tested[0, fold.test] = number
    nothing = np.full((1, n), np.nan)
    return OutOfFold(predictions, tested, days, nothing, ()), int(
        np.mean([size for _, size in thinned])
    )


def _thinned(rows: Rows, fold: Fold, share: float, seed: int) -> tuple[Fold, int]:
    """Keep a share of the condition's own training patients; say how many.

    Shares of one seed are nested: a larger one contains the smaller.
    """
    names = np.unique(rows.patients[fold.train][rows.own[fold.train]])
    size = int(np.ceil(share * len(names)))
    kept = np.random.default_rng(seed).permutation(names)[:size]
    stays = ~rows.own[fold.train] | np.isin(rows.patients[fold.train], kept)
    return replace(fold, train=fold.train[stays]), size


def _fold(
    rows: Rows,
    candidates: Sequence[Candidate],
    fold: Fold,
    days: np.ndarray,
    settings: TrainingSettings,
) -> np.ndarray:
    train = rows.take(fold.train)
    model = fit_model(train, candidates, folds=settings.inner_folds, seed=settings.seed)
    return predict(model, rows.features.take(fold.test), days)


def _doubled(points: pd.DataFrame, seed: int) -> Estimate:
    """Fit figure = limit − scale / √patients, and give what doubling the last point gains."""
    size = points["patients"].to_numpy(dtype=float)
    error = ((points["high"] - points["low"]) / 3.92).to_numpy()
    value = points["value"].to_numpy()
    rng = np.random.default_rng(seed)
    # Points share most of their patients: they move together, and only a part is their own.
    drawn = value + 0.5 * error * rng.normal(size=(_DRAWS, len(value)))
    gains = np.array([_gain(size, one) for one in drawn])
    return Estimate.from_resamples(_gain(size, value), gains)


def _gain(size: np.ndarray, value: np.ndarray) -> float:
    def law(patients: np.ndarray, limit: float, scale: float) -> np.ndarray:
        return limit - scale / np.sqrt(patients)

    try:
        (limit, scale), _ = curve_fit(law, size, value, p0=(value[-1], 1.0))
    except RuntimeError:
        return np.nan
    last = size[-1]
    return float(law(2 * last, limit, scale) - law(last, limit, scale))
