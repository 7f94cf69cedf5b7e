"""Fitting a task: candidates compete in folds of the training rows; the winner is calibrated.

Everything that is learnt (who is assessed, columns, medians, the choice, the calibration) is learnt
here, from the rows that are handed in, so that a caller who hands in a training fold cannot leak.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kappredict.errors import RefusedError
from kappredict.estimators.calibration import Calibration
from kappredict.estimators.candidates import Candidate
from kappredict.estimators.encoder import Encoder
from kappredict.estimators.folds import Split, patient_folds
from kappredict.estimators.margins import LinearMargin, Margin
from kappredict.estimators.matrix import TrainingMatrix
from kappredict.estimators.observation import observation_weights
from kappredict.estimators.sample_size import supported
from kappredict.estimators.structural import without_structure
from kappredict.estimators.targets import Target, stack_targets
from kappredict.features.table import FeatureTable


@dataclass(frozen=True)
class Rows:
    """Rows to learn from: features, outcomes, and where each row belongs.

    `condition` numbers the condition that a row was treated for, 0 being the task's own: rows of
    the others are there to lean on, and rows without a known outcome to tell who is assessed.
    `context` are the features as they stood when outcomes were about to be assessed, later than a
    prediction may see: they say who stays to be assessed, and nothing else is made of them.
    """

    features: FeatureTable
    context: FeatureTable
    target: Target
    patients: np.ndarray
    studies: np.ndarray
    sites: np.ndarray
    condition: np.ndarray

    def take(self, rows: np.ndarray) -> "Rows":
        """Give some of the rows."""
        features = self.features.take(rows)
        return Rows(
            features,
            features if self.context is self.features else self.context.take(rows),
            self.target.take(rows),
            self.patients[rows],
            self.studies[rows],
            self.sites[rows],
            self.condition[rows],
        )

    @property
    def own(self) -> np.ndarray:
        """Whether a row is of the task's own condition."""
        return self.condition == 0

    @property
    def judged(self) -> np.ndarray:
        """The positions of the rows that a model is judged on."""
        return np.flatnonzero(self.own & self.target.known)

    @property
    def weights(self) -> np.ndarray:
        """What each known row weighs, so that those assessed stand for those who were not.

        Each condition has its own weights, of mean 1 over its known rows.
        """
        weights = np.ones(len(self.target))
        for condition in np.unique(self.condition):
            place = np.flatnonzero(self.condition == condition)
            known = self.target.known[place]
            weights[place] = observation_weights(self.context.take(place), known)
        return weights


def stack_rows(parts: Sequence[Rows]) -> Rows:
    """Put the rows of several conditions under one another; the first is the task's own.

    All have the same features, and outcomes of one kind.
    """
    if len(parts) == 1:
        return parts[0]
    return Rows(
        _stacked([one.features for one in parts]),
        _stacked([one.context for one in parts]),
        stack_targets([one.target for one in parts]),
        np.concatenate([one.patients for one in parts]),
        np.concatenate([one.studies for one in parts]),
        np.concatenate([one.sites for one in parts]),
        np.repeat(np.arange(len(parts)), [len(one.target) for one in parts]),
    )


def _stacked(tables: Sequence[FeatureTable]) -> FeatureTable:
    frame = pd.concat([one.frame for one in tables], ignore_index=True)
    return FeatureTable(frame, tables[0].specs)


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
    """The winner, fitted on all rows handed in, with its calibration and how it won.

    `out_of_fold` are the winner's margins of the judged rows, each from folds without it.
    """

    encoder: Encoder
    margin: Margin
    calibration: Calibration
    contest: Contest
    out_of_fold: np.ndarray

    @property
    def candidate(self) -> Candidate:
        """The candidate that won."""
        return self.contest.candidates[self.contest.winner]

    def margins(self, table: FeatureTable) -> np.ndarray:
        """Give each row's margin before calibration."""
        return self.margin.values(self.encoder.transform(table))


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
    candidates = affordable(rows, candidates)
    weights, judged = rows.weights, rows.judged
    rows = replace(rows, context=rows.features)  # who is assessed is known now
    target, own_weights = rows.target.take(judged), weights[judged]
    margins = [np.full(len(rows.target), np.nan) for _ in candidates]
    for part in encoded_folds(rows, weights, folds, seed):
        for candidate, own in zip(candidates, margins, strict=True):
            own[part.test] = part.margins(candidate, seed)
    margins = [own[judged] for own in margins]
    contest = _judge(target, own_weights, tuple(candidates), margins)
    encoder, margin = fit_one(rows, weights, candidates[contest.winner], seed)
    best = margins[contest.winner]
    return FittedModel(encoder, margin, target.calibrate(best, own_weights), contest, best)


def affordable(rows: Rows, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Keep the candidates that the sample supports; the simplest where it supports none."""
    target = rows.target.take(rows.judged)
    sample = supported(target.n, target.events)
    return [one for one in candidates if one.needs <= sample.parameters] or list(candidates[:1])


def split_by_patient(rows: Rows, folds: int, seed: int) -> list[Split]:
    """Split rows into folds by patient, balanced on the outcome; fewer where a class is small."""
    strata = rows.target.strata
    rarest = int(min(np.bincount(strata[rows.judged], minlength=2)))
    most = min(folds, rarest, len(np.unique(rows.patients[rows.judged])))
    if most < 2:
        raise RefusedError(f"an outcome that only {rarest} courses have cannot be cross-validated")
    return patient_folds(np.where(rows.own, strata, -1), rows.patients, most, seed)


@dataclass(frozen=True)
class Encoded:
    """Training rows as numbers, of which any candidate can be fitted."""

    encoder: Encoder
    matrix: TrainingMatrix

    @classmethod
    def of(cls, rows: Rows, weights: np.ndarray) -> "Encoded":
        """Encode the rows whose outcome is known."""
        known = np.flatnonzero(rows.target.known)
        encoder = _encoder_of(rows)
        matrix = TrainingMatrix(
            encoder.transform(rows.features.take(known)),
            rows.target.take(known).fitted_on,
            weights[known],
            encoder.directions(rows.features.specs),
            rows.condition[known],
        )
        return cls(encoder, matrix)

    def fit(self, candidate: Candidate, seed: int) -> Margin:
        """Fit a candidate on the rows that it may see."""
        if not self.encoder.columns:
            nothing = np.empty(0)
            return LinearMargin(0.0, nothing, nothing, nothing)
        return candidate.fit(self.matrix if candidate.pools else self.matrix.own, seed)


@dataclass(frozen=True)
class EncodedFold:
    """A fold of a competition: encoded training rows, and the rows that are tested."""

    train: Encoded
    columns: np.ndarray
    test: np.ndarray

    def margins(self, candidate: Candidate, seed: int) -> np.ndarray:
        """Fit a candidate on the training rows and give the margins of those tested."""
        return self.train.fit(candidate, seed).values(self.columns)


def encoded_folds(rows: Rows, weights: np.ndarray, folds: int, seed: int) -> Iterator[EncodedFold]:
    """Give the folds of a competition one by one, each encoded once for all candidates."""
    for train, test in split_by_patient(rows, folds, seed):
        encoded = Encoded.of(rows.take(train), weights[train])
        columns = encoded.encoder.transform(rows.features.take(test))
        yield EncodedFold(encoded, columns, test)


def fit_one(
    rows: Rows, weights: np.ndarray, candidate: Candidate, seed: int
) -> tuple[Encoder, Margin]:
    """Fit one candidate on all rows handed in, without competition or calibration.

    Parameters
    ----------
    weights
        What each row weighs; nothing is read of rows without a known outcome.
    """
    encoded = Encoded.of(rows, weights)
    return encoded.encoder, encoded.fit(candidate, seed)


def _encoder_of(rows: Rows) -> Encoder:
    judged = rows.judged
    return Encoder.fit(without_structure(rows.features.take(judged), rows.studies[judged]))


def _judge(
    target: Target,
    weights: np.ndarray,
    candidates: tuple[Candidate, ...],
    margins: list[np.ndarray],
) -> Contest:
    """Choose the simplest candidate within one standard error of the best (Breiman et al. 1984).

    The standard error is that of the paired difference from the best, row by row.
    """
    losses = [
        target.losses(target.calibrate(one, weights), one)  # type: ignore[arg-type]  # a target's own calibration
        for one in margins
    ]
    share = weights / weights.sum()
    means = [float(share @ loss) for loss in losses]
    best = int(np.argmin(means))
    worse = [loss - losses[best] for loss in losses]
    difference = tuple(float(share @ one) for one in worse)
    error = tuple(
        float(np.sqrt(share**2 @ (one - mean) ** 2))
        for one, mean in zip(worse, difference, strict=True)
    )
    ties = [place for place in range(len(losses)) if difference[place] <= error[place]]
    return Contest(candidates, tuple(means), difference, error, ties[0])
