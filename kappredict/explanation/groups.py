"""A prediction's reasons by clinical idea: points of the probability, and what is known in words.

An instrument's items and aggregates, a category's levels and a value's missingness are one row.
"""

from dataclasses import dataclass

import numpy as np

from kappredict.domain.prediction import Reason
from kappredict.estimators.bundle import Asked, ModelBundle
from kappredict.explanation.points import to_points
from kappredict.explanation.words import group_words, typical_words
from kappredict.features.table import FeatureTable


@dataclass(frozen=True)
class Explanation:
    """What each clinical idea adds to each row's probability.

    `points` are rows × groups × horizons (one for response), in percentage points; over the groups
    they add up to what the probability is above `start` (rows × horizons), times 100.
    """

    groups: tuple[str, ...]
    points: np.ndarray
    start: np.ndarray


def explain(bundle: ModelBundle, asked: Asked) -> Explanation:
    """Explain every row with the SHAP values of the bundle's model.

    Lundberg and Lee 2017; exact for trees (TreeSHAP, as XGBoost computes it) and for the linear and
    additive models; a group's value is the sum of its columns', brought to percentage points as
    `to_points` says.
    """
    groups, belongs = bundle.ideas
    shares = asked.shares @ belongs
    points = to_points(bundle.calibration, shares, asked.expected, bundle.horizons)
    # One row alone is summed in another order than in a batch; the reasons are the same.
    return Explanation(
        groups, np.round(points, 10), bundle.calibration.at(asked.expected, bundle.horizons)
    )


def reasons(
    bundle: ModelBundle,
    table: FeatureTable,
    explained: Explanation,
    row: int,
    most: int | None = None,
) -> tuple[Reason, ...]:
    """Give a row's strongest reasons, or all, with the patient's value in words."""
    days = bundle.horizons.tolist()
    points = explained.points[row]
    strongest = np.argsort(-np.abs(points[:, -1]), kind="stable")[:most]
    return tuple(
        Reason(
            group=(group := explained.groups[place]),
            value=group_words(bundle, group, table, row),
            typical=typical_words(bundle, group),
            points=float(points[place, -1]),
            points_by_day=dict(zip(days, points[place].tolist(), strict=True)) if days else {},
        )
        for place in strongest
    )
