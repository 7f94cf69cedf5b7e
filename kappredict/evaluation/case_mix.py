"""How far the patients of another study differ from those that a model was trained on.

A model of membership tells the two apart from the columns that the prediction model uses; its
cross-validated AUC is 0.5 where nobody can tell, and 1 where no patient of the one could be of the
other (Debray et al. 2015). A bundle holds no training rows, only their means and covariance: rows
drawn from a normal distribution with those stand for them, and describe nobody.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from kappredict.estimators.applicability import Applicability
from kappredict.estimators.bundle import ModelBundle
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.metrics_binary import auc
from kappredict.evaluation.question import Question
from kappredict.features.table import FeatureTable

_FOLDS, _INVERSE_PENALTY = 5, 0.1
# A mean of fewer known values than this share of rows is no description of the patients.
_LEAST_KNOWN = 0.1


@dataclass(frozen=True)
class Shift:
    """One feature: its standardised difference in means, and how often it is known here and there.

    The difference is that of the column which differs most, in standard deviations of the training
    rows, among those where it is known.
    """

    feature: str
    difference: float
    known: float
    known_in_training: float


@dataclass(frozen=True)
class CaseMix:
    """How patients differ: AUC of the membership model, and each feature, most different first."""

    membership: Estimate
    shifts: tuple[Shift, ...]


def compare_case_mix(
    bundle: ModelBundle, table: FeatureTable, patients: np.ndarray, *, seed: int, resamples: int
) -> CaseMix:
    """Compare the patients of a feature table with those that a bundle was trained on."""
    matrix = bundle.encoder.transform(table)
    training = bundle.limits.applicability
    return CaseMix(
        _membership(training, matrix, patients, seed, resamples),
        _shifts(bundle, training, matrix, table),
    )


def _membership(
    training: Applicability, matrix: np.ndarray, patients: np.ndarray, seed: int, resamples: int
) -> Estimate:
    """Tell the rows from as many drawn like the training rows."""
    here = (np.where(np.isnan(matrix), training.median, matrix) - training.mean) / training.scale
    rng = np.random.default_rng(seed)
    covariance = np.linalg.inv(training.precision)
    there = rng.multivariate_normal(np.zeros(here.shape[1]), covariance, len(here))
    member = np.repeat([1.0, 0.0], len(here))
    model = LogisticRegression(C=_INVERSE_PENALTY, max_iter=1000)
    chance = cross_val_predict(
        model, np.vstack([here, there]), member, cv=_FOLDS, method="predict_proba"
    )[:, 1]
    drawn = np.array([f"drawn {number}" for number in range(len(there))], dtype=object)
    question = Question.of_response(
        member,
        chance[None],
        np.zeros((1, len(member))),
        np.concatenate([patients.astype(object), drawn]),
    )
    found = question.estimate(
        lambda outcome, probability, fold, weights: {
            "auc": auc(outcome, probability, fold, weights)
        },
        seed=seed,
        resamples=resamples,
    )
    return found["auc"]


def _shifts(
    bundle: ModelBundle, training: Applicability, matrix: np.ndarray, table: FeatureTable
) -> tuple[Shift, ...]:
    known = ~np.isnan(matrix)
    total = np.where(known, (matrix - training.mean) / training.scale, 0.0).sum(axis=0)
    difference = np.divide(
        total, known.sum(axis=0), out=np.full(len(total), np.nan), where=known.any(axis=0)
    )
    largest: dict[str, float] = {}
    for column, value in zip(bundle.encoder.columns, difference, strict=True):
        before = largest.get(column.feature, np.nan)
        largest[column.feature] = value if not abs(value) < abs(before) else before
    share = table.frame.notna().mean()
    shifts = [
        Shift(name, float(value), float(share[name]), bundle.recipe.typical[name].known)
        for name, value in largest.items()
        if min(share[name], bundle.recipe.typical[name].known) >= _LEAST_KNOWN
    ]
    return tuple(sorted(shifts, key=lambda one: -np.nan_to_num(abs(one.difference))))
