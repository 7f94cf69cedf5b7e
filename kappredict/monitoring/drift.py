"""Input and prediction drift: what models are asked, and answer, against the training's counts.

A bundle holds no patient, so libraries that compare two tables of rows cannot be used: each input
is compared by how often its levels occur (Pearson's chi-squared, "not known" being a level, or
Fisher's exact test of two levels), which sees a shift as well as a change of spread or of what is
recorded. All inputs together are compared by the distance of their means (Mahalanobis 1936).
"""

import numpy as np
from scipy.special import chdtrc
from scipy.stats import fisher_exact

from kappredict.data.columns import Words
from kappredict.estimators.bundle import ModelBundle
from kappredict.estimators.reference import Levels
from kappredict.features.table import FeatureTable
from kappredict.monitoring.checks import Check, Family

# Cochran's rule (1954): a level that fewer patients would have is taken together with others.
_LEAST_EXPECTED = 5.0
# Where nearly all are given the same probability there is nothing in it that could drift.
_LEAST_RANGE = 0.01


def input_checks(bundle: ModelBundle, table: FeatureTable) -> list[Check]:
    """Compare every input that a model uses, and all of them together."""
    columns: dict[str, np.ndarray | Words] = {**table.columns.numbers, **table.columns.texts}
    labels = {spec.name: spec.label for spec in bundle.recipe.specs}
    each = [
        _compared("inputs", labels[name], levels, levels.count(columns[name]))
        for name, levels in bundle.recipe.reference.features.items()
    ]
    return [*each, *_together(bundle, table)]


def prediction_checks(bundle: ModelBundle, probability: np.ndarray) -> list[Check]:
    """Compare probabilities with those that training gave out of fold."""
    usual, calibration = bundle.recipe.reference.margins, bundle.calibration
    edges = calibration.at(calibration.margin(np.array(usual.edges)), bundle.horizons)[:, -1]
    if not len(edges) or np.ptp(edges) < _LEAST_RANGE:
        return []
    levels = usual.model_copy(update={"edges": tuple(edges.tolist())})
    return [_compared("predictions", "probability", levels, levels.count(probability))]


def share_moved(usual: np.ndarray, found: np.ndarray) -> float:
    """Give the share of patients who would have to have another level for both to agree.

    Total variation distance: 0 where they agree, 1 where no level is common to both.
    """
    return float(np.abs(usual / usual.sum() - found / found.sum()).sum() / 2)


def difference(usual: np.ndarray, found: np.ndarray) -> float:
    """Give the p-value of counts by level; 1 where there is but one level to compare."""
    table = _pooled(np.vstack([usual, found]))
    match table.shape[1]:
        case 1:
            return 1.0
        case 2:
            return float(fisher_exact(np.round(table)).pvalue)
        case levels:
            # Hundreds of times a look; scipy's own function takes thirty times as long.
            expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
            return float(chdtrc(levels - 1, ((table - expected) ** 2 / expected).sum()))


def _compared(family: Family, what: str, levels: Levels, found: np.ndarray) -> Check:
    usual = levels.expected
    moved = share_moved(usual, found)
    return Check(family, what, moved, 0.0, int(found.sum()), difference(usual, found))


def _pooled(table: np.ndarray) -> np.ndarray:
    """Take rare levels together, and with the next rarest where they are few even so."""
    table = table[:, np.argsort(table.sum(axis=0))]
    expected = table.sum(axis=0) * table[1].sum() / table.sum()
    rare = int(np.searchsorted(expected.cumsum(), _LEAST_EXPECTED)) + 1
    pooled = np.column_stack([table[:, :rare].sum(axis=1), table[:, rare:]])
    return pooled[:, pooled.sum(axis=0) > 0]


def _together(bundle: ModelBundle, table: FeatureTable) -> list[Check]:
    """Compare the means of all columns at once.

    The squared distance is a sum of chi-squared variables, each with its own weight; one of the
    same mean and variance stands for it (Satterthwaite 1946; Box 1954), from the covariance found.
    """
    training, usual = bundle.limits.applicability, bundle.recipe.reference
    rows = training.standard(bundle.encoder.transform(table))
    if not rows.size:
        return []
    n, precision = len(rows), training.precision
    away = rows.mean(axis=0) - np.array(usual.centre)
    squared = float(away @ precision @ away)
    spread = precision @ np.cov(rows, rowvar=False).reshape(rows.shape[1], -1)
    weights = spread / n + np.eye(len(away)) / usual.n
    mean, variance = float(np.trace(weights)), 2 * float((weights * weights.T).sum())
    scale = variance / (2 * mean)
    p = float(chdtrc(mean / scale, squared / scale))
    return [Check("overall", "all inputs together", np.sqrt(squared), 0.0, n, p)]
