"""Discrimination, accuracy and calibration of predicted probabilities, with intervals.

Every metric takes a matrix of weights, resamples × rows, and gives one value per resample (see
`kappredict.evaluation.bootstrap`). What the data do not allow is NaN: an AUC without both outcomes,
a calibration slope of a constant prediction or of perfectly separated outcomes.
"""

import numpy as np
from scipy.special import expit, logit, xlogy

from kappredict.evaluation.bootstrap import Statistic, bootstrap, difference
from kappredict.evaluation.estimate import Estimate

# Log-odds of a probability nearer to 0 or 1 than this are taken at this distance.
_NEAREST = 1e-9
_STEPS = 40


def binary_metrics(  # noqa: PLR0913  # rows' columns, then the bootstrap's three settings
    outcome: np.ndarray,
    predictions: np.ndarray,
    folds: np.ndarray,
    patients: np.ndarray,
    *,
    seed: int,
    resamples: int,
    weights: np.ndarray | None = None,
) -> dict[str, Estimate]:
    """Give auc, brier, log_loss, calibration_slope and calibration_intercept with intervals.

    Parameters
    ----------
    outcome
        0 or 1 per row.
    predictions, folds
        Repeats × rows: out-of-fold probabilities, and the test fold each came from. A figure is the
        mean over repeats, all of which see the same resampled patients.
    patients
        The patient of each row; patients are what is resampled.
    weights
        Observation weights of the rows.

    Raises
    ------
    ValueError
        If a prediction is missing or is no probability, or shapes do not fit.
    """
    statistic = binary_statistic(outcome, predictions, folds)
    return bootstrap(statistic, patients, seed=seed, resamples=resamples, weights=weights)


def binary_differences(  # noqa: PLR0913  # rows' columns, then the bootstrap's three settings
    outcome: np.ndarray,
    predictions: tuple[np.ndarray, np.ndarray],
    folds: np.ndarray,
    patients: np.ndarray,
    *,
    seed: int,
    resamples: int,
    weights: np.ndarray | None = None,
) -> dict[str, Estimate]:
    """Give the figures of the first predictions minus those of the second, on the same rows.

    Both see the same resamples, so that what makes a resample hard for both cancels.
    """
    first, second = (binary_statistic(outcome, one, folds) for one in predictions)
    return bootstrap(
        difference(first, second), patients, seed=seed, resamples=resamples, weights=weights
    )


def binary_statistic(
    outcome: np.ndarray, predictions: np.ndarray, folds: np.ndarray
) -> Statistic[str]:
    """Make the statistic of all metrics, each averaged over repeats."""
    require_probabilities(predictions)
    if not predictions.shape == folds.shape == (len(predictions), len(outcome)):
        raise ValueError(
            f"predictions {predictions.shape} and folds {folds.shape} must both be repeats × "
            f"{len(outcome)} rows"
        )

    def statistic(weights: np.ndarray) -> dict[str, np.ndarray]:
        repeats = [
            _metrics(outcome, probability, fold, weights)
            for probability, fold in zip(predictions, folds, strict=True)
        ]
        return {name: np.mean([one[name] for one in repeats], axis=0) for name in repeats[0]}

    return statistic


def require_probabilities(predictions: np.ndarray) -> None:
    """Refuse predictions that are missing or outside 0 to 1: a fault of the caller."""
    outside = int((~((predictions >= 0) & (predictions <= 1))).sum())
    if outside:
        raise ValueError(
            f"{outside} of {predictions.size} predictions are missing or not in [0, 1]"
        )


def _metrics(
    outcome: np.ndarray, probability: np.ndarray, fold: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    return {
        "auc": auc(outcome, probability, fold, weights),
        "brier": brier(outcome, probability, weights),
        "log_loss": log_loss(outcome, probability, weights),
        "calibration_slope": calibration_slope(outcome, probability, weights),
        "calibration_intercept": calibration_intercept(outcome, probability, weights),
    }


def auc(
    outcome: np.ndarray, score: np.ndarray, fold: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Give the chance that, of two courses of one test fold, the one with the outcome ranks higher.

    Only pairs inside a fold count; each pair weighs the same, whichever fold it lies in. Two folds
    are predicted by two models, whose scores need not share an origin: leave a site of good
    prognosis out and its model is fitted to the others' lower rate, so that across folds the scores
    run against the outcomes. Ties count half (Hanley and McNeil 1982).
    """
    won, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for name in np.unique(fold):
        rows = np.flatnonzero(fold == name)
        rows = rows[np.argsort(score[rows], kind="stable")]
        ties = np.flatnonzero(np.diff(score[rows], prepend=np.nan) != 0)
        inside = weights[:, rows]
        cases = np.add.reduceat(inside * outcome[rows], ties, axis=1)
        others = np.add.reduceat(inside * (1 - outcome[rows]), ties, axis=1)
        won += (cases * (others.cumsum(axis=1) - others / 2)).sum(axis=1)
        pairs += cases.sum(axis=1) * others.sum(axis=1)
    return ratio(won, pairs)


def brier(outcome: np.ndarray, probability: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Give the mean squared error of the probabilities (Brier 1950)."""
    return ratio(weights @ (outcome - probability) ** 2, weights.sum(axis=1))


def log_loss(outcome: np.ndarray, probability: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Give the mean negative log-likelihood; a certainty that was wrong counts as 36, not ∞."""
    nearest = np.finfo(float).eps
    held = np.clip(probability, nearest, 1 - nearest)
    loss = -(xlogy(outcome, held) + xlogy(1 - outcome, 1 - held))
    return ratio(weights @ loss, weights.sum(axis=1))


def calibration_slope(
    outcome: np.ndarray, probability: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Give the slope of the outcome on the predicted log-odds (Cox 1958).

    1 is right; below 1 the predictions are too extreme, above 1 too timid.
    """
    odds = log_odds(probability)
    spread = odds.std() if odds.size else 0.0
    if spread < 1e-9:  # a constant, but for rounding
        return np.full(len(weights), np.nan)
    columns = np.column_stack([np.ones(len(odds)), (odds - odds.mean()) / spread])
    start = np.array([log_odds(np.average(outcome)), 0.0])
    return logistic_fits(outcome, columns, np.zeros(len(odds)), weights, start)[:, 1] / spread


def calibration_intercept(
    outcome: np.ndarray, probability: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Give calibration-in-the-large: the log-odds to add to all predictions, their slope held at 1.

    0 is right; above 0 the outcome was commoner than predicted. This is the intercept of a logistic
    model with the predicted log-odds as offset (Cox 1958; Steyerberg 2019, section 15.3), not the
    intercept fitted together with the slope that some programs print under the same name.
    """
    if not outcome.size:
        return np.full(len(weights), np.nan)
    start = log_odds(np.average(outcome)) - log_odds(np.average(probability))
    columns = np.ones((len(outcome), 1))
    return logistic_fits(outcome, columns, log_odds(probability), weights, np.array([start]))[:, 0]


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divide; NaN where there is nothing to divide by."""
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)


def log_odds(probability: np.ndarray | float) -> np.ndarray:
    """Give the log-odds of probabilities; those of 0 and 1 are finite."""
    return np.asarray(logit(np.clip(probability, _NEAREST, 1 - _NEAREST)))


def logistic_fits(
    outcome: np.ndarray,
    columns: np.ndarray,
    offset: np.ndarray,
    weights: np.ndarray,
    start: np.ndarray,
) -> np.ndarray:
    """Fit a logistic regression per resample; each starts from the fit to all resamples together.

    Returns
    -------
    Resamples × columns; NaN where an outcome is absent or the fit does not exist.
    """
    average = weights.mean(axis=0, keepdims=True)
    together = _newton(outcome, columns, offset, average, np.tile(start, (1, 1)))
    if len(weights) == 1:
        return together
    return _newton(outcome, columns, offset, weights, np.tile(together, (len(weights), 1)))


def _newton(
    outcome: np.ndarray,
    columns: np.ndarray,
    offset: np.ndarray,
    weights: np.ndarray,
    start: np.ndarray,
) -> np.ndarray:
    total = weights.sum(axis=1)
    mixed = (weights @ outcome > 0) & (weights @ (1 - outcome) > 0)
    found = np.where(mixed[:, None], start, np.nan)
    products = columns[:, :, None] * columns[:, None, :]
    for _ in range(_STEPS):
        expected = expit(offset + np.nan_to_num(found) @ columns.T)
        gradient = (weights * (outcome - expected)) @ columns
        done = ~(np.abs(gradient) > 1e-9 * total[:, None]).any(axis=1) | np.isnan(found).any(axis=1)
        if done.all():
            return found
        spread = weights * (expected * (1 - expected))
        curvature = np.tensordot(spread, products, axes=1)
        # Separated outcomes drive the estimate off to infinity, where the likelihood is flat.
        flat = ~done & ~(np.linalg.det(curvature) > (1e-7 * total) ** columns.shape[1])
        curvature[flat | done] = np.eye(columns.shape[1])
        step = np.clip(np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0], -4, 4)
        step[done] = 0.0
        far = np.flatnonzero((np.abs(step) > 0.5).any(axis=1) & ~flat)
        step[far] *= _share_of_step(outcome, columns, offset, weights[far], found[far], step[far])
        found = np.where(flat[:, None], np.nan, found + step)
    return np.where(done[:, None], found, np.nan)


def _share_of_step(
    outcome: np.ndarray,
    columns: np.ndarray,
    offset: np.ndarray,
    weights: np.ndarray,
    found: np.ndarray,
    step: np.ndarray,
) -> np.ndarray:
    """Halve steps until none leads down: far from the solution a whole one may, and go astray."""

    def likelihood(at: np.ndarray) -> np.ndarray:
        odds = offset + at @ columns.T
        return np.asarray((weights * (outcome * odds - np.logaddexp(0, odds))).sum(axis=1))

    share = np.ones((len(step), 1))
    for _ in range(10):
        down = likelihood(found + share * step) < likelihood(found)
        if not down.any():
            break
        share[down] /= 2
    return share
