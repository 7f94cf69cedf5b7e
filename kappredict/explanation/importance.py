"""How much each clinical idea matters, asked three ways, beside what noise would reach.

Mean |SHAP| says how far a fact moves predictions (Lundberg and Lee 2017), permutation what is lost
when it is dealt out anew (Fisher, Rudin and Dominici 2019), the refit what is lost when a model
never had it (leave-one-covariate-out; Lei et al. 2018). Each is asked of rows that the model did
not see; intervals are over resampled patients, with the models as they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import expit

from kappredict.estimators.candidates import Candidate
from kappredict.estimators.fit import Rows
from kappredict.estimators.targets import Times
from kappredict.evaluation.bootstrap import bootstrap
from kappredict.evaluation.cross_validation import OutOfFold
from kappredict.evaluation.metrics_binary import auc
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.question import Question
from kappredict.evaluation.questions import questions
from kappredict.evaluation.settings import ExplanationSettings
from kappredict.explanation.held_out import (
    Fitted,
    HeldOut,
    feature_shares,
    fitted,
    group_columns,
    group_matrix,
    shuffled_margins,
    weighted_folds,
)

COLUMNS = (
    "group",
    "measure",
    "value",
    "low",
    "high",
    "rank",
    "rank_low",
    "rank_high",
    "noise",
    "signal",
)
SHAP, PERMUTATION, REFIT = "shap", "permutation", "refit"
_NOISE_QUANTILE = 0.95
_Values = Callable[[np.ndarray], np.ndarray]
"""From weights (resamples × rows) to the groups' values (resamples × groups)."""


def importance_table(
    data: ModellingSet,
    found: HeldOut,
    points: pd.DataFrame,
    noise: pd.DataFrame,
    settings: ExplanationSettings,
    seed: int,
) -> pd.DataFrame:
    """Put the three measures of every group beside each other.

    Parameters
    ----------
    points
        Rows × groups, percentage points of the held-out rows.
    noise
        What each group reaches by chance, by measure (`noise_floor`).

    Returns
    -------
    group, measure, value, low, high, rank, rank_low, rank_high, noise, signal. Mean |SHAP| is in
    percentage points; the other two are losses of AUC (for relapse, by the last horizon that enough
    courses were followed to). A signal's interval lies above the noise.
    """
    kept = {"seed": seed, "resamples": settings.resamples}
    patients = data.rows.patients[found.rows]
    weights = data.weights[found.rows]
    size = np.abs(points.to_numpy())

    def moved(drawn: np.ndarray) -> np.ndarray:
        weighed = drawn * weights
        return weighed @ size / weighed.sum(axis=1, keepdims=True)

    names = list(points.columns)
    parts = [_ranked(names, moved, patients, SHAP, **kept)]
    base = _question(data, found, found.margins[None, :])
    for measure, others in ((PERMUTATION, found.shuffled), (REFIT, found.without)):
        if base is None or not others:
            continue
        lost = _losses(data, found, base, others)
        parts.append(_ranked(list(others), lost, patients, measure, **kept))
    table = pd.concat(parts, ignore_index=True)
    limits = noise.reset_index().melt("group", var_name="measure", value_name="noise")
    floor = table.merge(limits, how="left", on=["group", "measure"])["noise"]
    return table.assign(noise=floor, signal=table["low"] > floor.fillna(0.0))[list(COLUMNS)]


def noise_floor(
    rows: Rows,
    candidate: Candidate,
    settings: ExplanationSettings,
    seed: int,
    scale: float,
) -> pd.DataFrame:
    """Say what each group reaches when outcomes are shuffled among the courses.

    Altmann et al. 2010, corrected for looking at all groups at once by the largest standardised
    value (Westfall and Young 1993): one in twenty runs without any signal names one.

    Parameters
    ----------
    scale
        How many percentage points a mean |share| of 1 on the margin is worth in the real model.

    Returns
    -------
    Groups × (shap, permutation).
    """
    rng = np.random.default_rng(seed)
    weights, judged = rows.weights, rows.judged
    parts = weighted_folds(rows, settings.folds, seed)
    reached: dict[str, list[np.ndarray]] = {SHAP: [], PERMUTATION: []}
    for number in range(settings.shuffled_outcomes):
        place = np.arange(len(rows.target))
        place[judged] = rng.permutation(judged)
        shuffled = replace(rows, target=rows.target.take(place))
        model = fitted(shuffled, candidate, parts[number % len(parts)], seed)
        moved, lost = _by_chance(shuffled, weights, model, rng)
        reached[SHAP].append(scale * moved)
        reached[PERMUTATION].append(lost)
    groups, _ = group_matrix(rows.features.specs)
    floors = {measure: _floor(np.array(values)) for measure, values in reached.items()}
    return pd.DataFrame(floors, index=pd.Index(groups, name="group"))


def _floor(values: np.ndarray) -> np.ndarray:
    """Give each group's limit, from what groups reached (shuffles × groups)."""
    mean, spread = values.mean(axis=0), values.std(axis=0)
    away = np.divide(values - mean, spread, out=np.zeros_like(values), where=spread > 0)
    return np.asarray(mean + spread * np.quantile(away.max(axis=1), _NOISE_QUANTILE))


def _by_chance(
    rows: Rows, weights: np.ndarray, model: Fitted, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Give each group's mean |share|, and the loss of AUC when it is dealt out anew."""
    specs, table = rows.features.specs, rows.features.take(model.test)
    shares, _ = feature_shares(model, table)
    groups, belongs = group_matrix(specs)
    moved = np.average(np.abs(shares @ belongs), axis=0, weights=weights[model.test])
    matrix, target = model.encoder.transform(table), rows.target.take(model.test)
    outcome = (target.strata == 1).astype(float)
    # A larger margin is better: an outcome that is a relapse is foretold by a smaller one.
    sign = -1.0 if isinstance(target, Times) else 1.0
    fold, own = np.zeros(len(outcome)), weights[None, model.test]
    base = auc(outcome, sign * model.margin.values(matrix), fold, own)[0]
    lost = np.zeros(len(groups))
    for place, group in enumerate(groups):
        columns = group_columns(model.encoder, specs, group)
        if columns:
            margins = shuffled_margins(model, matrix, columns, rng)
            lost[place] = base - auc(outcome, sign * margins, fold, own)[0]
    return moved, lost


def _question(data: ModellingSet, found: HeldOut, margins: np.ndarray) -> Question | None:
    """Ask the task's last question with margins (repeats × rows) for predictions: ranks are enough.

    Nothing where no horizon was reached by enough courses.
    """
    horizons = np.array(data.task.condition.at_risk.horizons if data.task.is_relapse else ())
    rising = expit(margins)
    chances = np.repeat(rising[:, :, None], len(horizons), axis=2) if horizons.size else rising
    n, repeats = len(data.target), len(margins)
    predictions = np.full((repeats, n, *chances.shape[2:]), np.nan)
    predictions[:, found.rows] = chances
    folds = np.full((repeats, n), -1)
    folds[:, found.rows] = found.folds
    made = OutOfFold(predictions, folds, horizons, np.full((repeats, n), np.nan), ())
    asked = questions(data, made, found.rows)
    return asked[list(asked)[-1]] if asked else None


def _losses(
    data: ModellingSet, found: HeldOut, base: Question, others: Mapping[str, np.ndarray]
) -> _Values:
    """Make the statistic of what is lost of the AUC, per group."""
    asked = [one for one in (_question(data, found, m) for m in others.values()) if one is not None]

    def lost(drawn: np.ndarray) -> np.ndarray:
        whole = _auc_of(base, drawn)
        return np.column_stack([whole - _auc_of(one, drawn) for one in asked])

    return lost


def _auc_of(question: Question, drawn: np.ndarray) -> np.ndarray:
    weights = question.weigh(drawn)
    repeats = [
        auc(question.outcome, probability, fold, weights)
        for probability, fold in zip(question.probability, question.folds, strict=True)
    ]
    return np.asarray(np.mean(repeats, axis=0))


def _ranked(
    names: list[str],
    values: _Values,
    patients: np.ndarray,
    measure: str,
    *,
    seed: int,
    resamples: int,
) -> pd.DataFrame:
    """Give each group's value and rank, with intervals over resampled patients."""

    def statistic(drawn: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        found = values(drawn)
        rank = (-found).argsort(axis=1, kind="stable").argsort(axis=1) + 1.0
        return {
            **{("value", name): found[:, place] for place, name in enumerate(names)},
            **{("rank", name): rank[:, place] for place, name in enumerate(names)},
        }

    estimates = bootstrap(statistic, patients, seed=seed, resamples=resamples)
    rows = []
    for name in names:
        value, rank = estimates["value", name], estimates["rank", name]
        rows.append(
            (name, measure, value.value, value.low, value.high, rank.value, rank.low, rank.high)
        )
    return pd.DataFrame(rows, columns=list(COLUMNS[:8]))
