"""Fitting a task: candidates compete in folds of the training rows; the winner is calibrated.

Everything that is learnt (columns, medians, the choice, the calibration) is learnt here, from the
rows that are handed in, so that a caller who hands in a training fold cannot leak.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from kappredict.errors import RefusedError
from kappredict.estimators.calibration import Calibration
from kappredict.estimators.candidates import Candidate
from kappredict.estimators.encoder import Encoder
from kappredict.estimators.margins import LinearMargin, Margin
from kappredict.estimators.targets import Target
from kappredict.features.table import FeatureTable


@dataclass(frozen=True)
class Rows:
    """Rows to learn from: features, outcomes, and the patient that each belongs to."""

    features: FeatureTable
    target: Target
    patients: np.ndarray

    def take(self, rows: np.ndarray) -> "Rows":
        """Give some of the rows."""
        return Rows(self.features.take(rows), self.target.take(rows), self.patients[rows])


@dataclass(frozen=True)
class Contest:
    """How each candidate did: mean loss, and difference from the best with standard error."""

    candidates: tuple[Candidate, ...]
    loss: tuple[float, ...]
    difference: tuple[float, ...]
    standard_error: tuple[float, ...]
    winner: int


@dataclass(frozen=True)
class FittedModel:
    """The winner, fitted on all rows handed in, with its calibration and how it won."""

    encoder: Encoder
    margin: Margin
    calibration: Calibration
    contest: Contest

    @property
    def candidate(self) -> Candidate:
        """The candidate that won."""
        return self.contest.candidates[self.contest.winner]

    def margins(self, table: FeatureTable) -> np.ndarray:
        """Give each row's margin before calibration."""
        return self.margin.values(self.encoder.transform(table))

    def contributions(self, table: FeatureTable) -> np.ndarray:
        """Give each column's share of the calibrated margin and, last, its expectation.

        A row adds up to `calibration.margin(margins)`: the calibration is linear on the margin.
        """
        shares = self.calibration.slope * self.margin.contributions(self.encoder.transform(table))
        shares[:, -1] += self.calibration.intercept
        return shares


def fit_model(rows: Rows, candidates: Sequence[Candidate], *, folds: int, seed: int) -> FittedModel:
    """Let the candidates compete in cross-validation and fit the winner on all rows.

    Parameters
    ----------
    candidates
        From the simplest to the most complex: on a tie the simpler wins.
    folds
        Folds of the competition, grouped by patient and balanced on the outcome.

    Raises
    ------
    RefusedError
        If the outcome has one class only.
    """
    parts = split_by_patient(rows, folds, seed)
    margins = [_out_of_fold(rows, one, parts, seed) for one in candidates]
    contest = _judge(rows.target, tuple(candidates), margins)
    encoder, margin = _fit_one(rows, candidates[contest.winner], seed)
    calibration = rows.target.calibrate(margins[contest.winner])
    return FittedModel(encoder, margin, calibration, contest)


def split_by_patient(rows: Rows, folds: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split rows into folds by patient, balanced on the outcome; fewer where a class is small."""
    rarest = int(min(np.bincount(rows.target.strata, minlength=2)))
    most = min(folds, rarest, len(np.unique(rows.patients)))
    if most < 2:
        raise RefusedError(f"an outcome that only {rarest} courses have cannot be cross-validated")
    splitter = StratifiedGroupKFold(most, shuffle=True, random_state=seed)
    return list(splitter.split(rows.target.strata, rows.target.strata, rows.patients))


def _out_of_fold(
    rows: Rows, candidate: Candidate, parts: list[tuple[np.ndarray, np.ndarray]], seed: int
) -> np.ndarray:
    margins = np.empty(len(rows.target))
    for train, test in parts:
        encoder, margin = _fit_one(rows.take(train), candidate, seed)
        margins[test] = margin.values(encoder.transform(rows.features.take(test)))
    return margins


def _fit_one(rows: Rows, candidate: Candidate, seed: int) -> tuple[Encoder, Margin]:
    encoder = Encoder.fit(rows.features)
    if not encoder.columns:
        nothing = np.empty(0)
        return encoder, LinearMargin(0.0, nothing, nothing, nothing)
    matrix = encoder.transform(rows.features)
    return encoder, candidate.fit(matrix, rows.target.fitted_on, seed)


def _judge(target: Target, candidates: tuple[Candidate, ...], margins: list[np.ndarray]) -> Contest:
    """Choose the simplest candidate within one standard error of the best (Breiman et al. 1984).

    The standard error is that of the paired difference from the best, row by row.
    """
    losses = [target.losses(target.calibrate(one), one) for one in margins]  # type: ignore[arg-type]  # a target's own calibration
    best = int(np.argmin([loss.mean() for loss in losses]))
    worse = [loss - losses[best] for loss in losses]
    difference = tuple(float(one.mean()) for one in worse)
    error = tuple(float(one.std(ddof=1) / np.sqrt(len(one))) for one in worse)
    ties = [place for place in range(len(losses)) if difference[place] <= error[place]]
    return Contest(
        candidates, tuple(float(loss.mean()) for loss in losses), difference, error, ties[0]
    )
