"""What matters to a model: how much, whether more than noise, and whether it would elsewhere."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from kappredict.estimators.bundle import ModelBundle
from kappredict.estimators.candidates import Candidate
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.settings import TrainingSettings
from kappredict.explanation.dependence import dependence_table, interaction_table
from kappredict.explanation.held_out import HeldOut, group_matrix, held_out
from kappredict.explanation.importance import importance_table, noise_floor
from kappredict.explanation.points import to_points

_CANDIDATE: TypeAdapter[Candidate] = TypeAdapter(Candidate)
# Fewer rows than this say nothing of a site.
_LEAST_ROWS = 20


@dataclass(frozen=True)
class ModelExplanation:
    """What matters to a model, as tables (their columns: see the functions that make them).

    `contributions` has a row per judged course (`row`, its place in the modelling set) and a column
    per clinical idea, in percentage points, each from a model that had not seen the course.
    """

    importance: pd.DataFrame
    stability: pd.DataFrame
    dependence: pd.DataFrame
    interactions: pd.DataFrame
    contributions: pd.DataFrame


def explain_model(
    bundle: ModelBundle, data: ModellingSet, settings: TrainingSettings
) -> ModelExplanation:
    """Explain the candidate that a bundle kept, on courses that its models did not see.

    The candidate is fitted again in folds by patient, without competing: what is explained is the
    way of learning, as in the evaluation, not the one fit that is served.
    """
    asked = settings.explanation
    candidate = _CANDIDATE.validate_python(bundle.recipe.provenance.candidate)
    found = held_out(
        data.all_rows, candidate, folds=asked.folds, refits=asked.refits, seed=settings.seed
    )
    points = _points(data, found)
    groups, belongs = group_matrix(data.features.specs)
    used = points.any(axis=0) @ belongs > 0
    names = [group for group, kept in zip(groups, used, strict=True) if kept]
    by_group = pd.DataFrame((points @ belongs)[:, used], columns=names)
    scale = _scale(points @ belongs, found.shares @ belongs)
    noise = noise_floor(data.all_rows, candidate, asked, settings.seed, scale)
    importance = importance_table(data, found, by_group, noise, asked, settings.seed)
    kept = {"seed": settings.seed, "resamples": asked.resamples}
    signal = importance.loc[importance["signal"], "group"].unique()
    table = data.features.take(found.rows)
    patients = data.rows.patients[found.rows]
    return ModelExplanation(
        importance,
        stability_table(data, found, by_group),
        dependence_table(table, points, list(signal) or names, patients, **kept),
        interaction_table(bundle, table, patients, scale, **kept),
        by_group.assign(row=found.rows),
    )


def _points(data: ModellingSet, found: HeldOut) -> np.ndarray:
    """Give the held-out rows' contributions in points of the probability (rows × features).

    For relapse, of having none by the last horizon.
    """
    weights = data.weights[found.rows]
    calibration = data.target.take(found.rows).calibrate(found.margins, weights)
    days = np.array(data.task.condition.at_risk.horizons if data.task.is_relapse else ())
    expected = calibration.margin(found.expected)
    return to_points(calibration, calibration.slope * found.shares, expected, days)[:, :, -1]


def _scale(points: np.ndarray, shares: np.ndarray) -> float:
    """Say how many points a mean |share| of 1 on the uncalibrated margin is worth."""
    moved = np.abs(shares).sum()
    return float(np.abs(points).sum() / moved) if moved else 0.0


def stability_table(data: ModellingSet, found: HeldOut, points: pd.DataFrame) -> pd.DataFrame:
    """Give the importance of each group within folds, sites and studies.

    A fold has a model of its own; at a site or in a study it is the same models that are asked, of
    its patients alone. Parts with fewer than 20 courses are left out.

    Returns
    -------
    across (fold, site, study), part, group, value (mean |SHAP|, points), rank.
    """
    courses = data.courses.iloc[found.rows]
    size = points.abs()
    rows = []
    for across, part in (
        ("fold", pd.Series(found.folds + 1).astype("str")),
        ("site", courses["site"].reset_index(drop=True)),
        ("study", courses["study"].reset_index(drop=True)),
    ):
        counts = part.value_counts()
        for name in sorted(counts[counts >= _LEAST_ROWS].index):
            means = size[(part == name).to_numpy()].mean()
            ranks = means.rank(ascending=False, method="first")
            rows += [
                (across, str(name), group, float(means[group]), float(ranks[group]))
                for group in points.columns
            ]
    return pd.DataFrame(rows, columns=["across", "part", "group", "value", "rank"])
