"""How predictions move with a feature's value, and with pairs of facts beyond each alone."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from kappredict.domain.features import FeatureSpec
from kappredict.estimators.bundle import ModelBundle
from kappredict.estimators.margins import TreeMargin
from kappredict.evaluation.bootstrap import bootstrap
from kappredict.explanation.held_out import group_matrix
from kappredict.features.table import FeatureTable

NOT_KNOWN = "not known"
_MOST_FEATURES = 12
_MOST_BINS = 8
_MOST_PAIRS = 10
# Interactions are a matter of the model; more rows would not change which pairs it has.
_MOST_ROWS = 500
_FEWEST_IN_BIN = 5


def dependence_table(
    table: FeatureTable,
    points: np.ndarray,
    groups: Sequence[str],
    patients: np.ndarray,
    *,
    seed: int,
    resamples: int,
) -> pd.DataFrame:
    """Give the mean contribution at each value of the features that move predictions most.

    Parameters
    ----------
    points
        Rows × features, in percentage points.
    groups
        The groups to look at; the features of the others are left out.

    Returns
    -------
    feature, label, unit, group, value (a level or, of a number, its bin's mean, as text), at (the
    same as a number, NaN for a level), points, low, high, n. Bins of fewer than five are left out.
    """
    size = np.abs(points).mean(axis=0)
    order = [
        int(place)
        for place in np.argsort(-size)
        if table.specs[place].group in groups and size[place] > 0
    ][:_MOST_FEATURES]
    bins = [
        (place, value, at, inside)
        for place in order
        for value, at, inside in _bins(table.specs[place], table.frame.iloc[:, place])
        if inside.sum() >= _FEWEST_IN_BIN
    ]
    columns = ["feature", "label", "unit", "group", "value", "at", "points", "low", "high", "n"]
    if not bins:
        return pd.DataFrame(columns=columns)
    members = np.column_stack([inside for *_, inside in bins]).astype(float)
    summed = members * np.column_stack([points[:, place] for place, *_ in bins])

    def means(drawn: np.ndarray) -> dict[int, np.ndarray]:
        count = drawn @ members
        with np.errstate(invalid="ignore"):
            return dict(enumerate(((drawn @ summed) / count).T))

    found = bootstrap(means, patients, seed=seed, resamples=resamples)
    rows = []
    for number, (place, value, at, inside) in enumerate(bins):
        spec, one = table.specs[place], found[number]
        rows.append(
            (
                *(spec.name, spec.label, spec.unit, spec.group, value, at),
                *(one.value, one.low, one.high, int(inside.sum())),
            )
        )
    return pd.DataFrame(rows, columns=columns)


def _bins(spec: FeatureSpec, values: pd.Series) -> list[tuple[str, float, np.ndarray]]:
    """Divide rows by value: levels, yes and no, or quantiles; and those not known."""
    missing = values.isna().to_numpy()
    found: list[tuple[str, float, np.ndarray]] = []
    if spec.kind == "numeric":
        found = _quantiles(values.to_numpy(dtype="float64"))
    else:
        names = {0.0: "no", 1.0: "yes"} if spec.kind == "flag" else {}
        for level in sorted(values.dropna().unique()):
            found.append((names.get(level, str(level)), np.nan, (values == level).to_numpy()))
    if missing.any():
        found.append((NOT_KNOWN, np.nan, missing))
    return found


def _quantiles(values: np.ndarray) -> list[tuple[str, float, np.ndarray]]:
    known = values[~np.isnan(values)]
    if not len(known):
        return []
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _MOST_BINS + 1)))
    place = np.searchsorted(edges[1:-1], values, side="left")
    found = []
    for number in range(max(len(edges) - 1, 1)):
        inside = (place == number) & ~np.isnan(values)
        if inside.any():
            mean = float(values[inside].mean())
            found.append((f"{mean:.3g}", mean, inside))
    return found


def interaction_table(
    bundle: ModelBundle,
    table: FeatureTable,
    patients: np.ndarray,
    scale: float,
    *,
    seed: int,
    resamples: int,
) -> pd.DataFrame:
    """Give the pairs of groups whose joint effect is more than the sum of both, strongest first.

    SHAP interaction values (Lundberg et al. 2020), which XGBoost computes exactly for trees. A
    model that adds its facts up has none: the table is empty.

    Parameters
    ----------
    scale
        How many percentage points a share of 1 of the uncalibrated margin is worth.

    Returns
    -------
    first, second, strength (mean absolute, percentage points), low, high.
    """
    columns = ["first", "second", "strength", "low", "high"]
    if not isinstance(bundle.margin, TreeMargin):
        return pd.DataFrame(columns=columns)
    rows = np.arange(len(patients))[:_MOST_ROWS]
    matrix = bundle.encoder.transform(table.take(rows))
    joint = bundle.margin.interactions(matrix)
    groups, belongs = group_matrix(table.specs)
    place = {spec.name: number for number, spec in enumerate(table.specs)}
    of_group = belongs[[place[one.feature] for one in bundle.encoder.columns]]
    pairs = np.abs(scale * 2 * np.einsum("ipq,pg,qh->igh", joint, of_group, of_group))
    first, second = np.triu_indices(len(groups), 1)
    strongest = np.argsort(-pairs.mean(axis=0)[first, second], kind="stable")[:_MOST_PAIRS]
    kept = [int(one) for one in strongest if pairs[:, first[one], second[one]].any()]
    values = np.column_stack([pairs[:, first[one], second[one]] for one in kept] or [[]])

    def means(drawn: np.ndarray) -> dict[int, np.ndarray]:
        return dict(enumerate((drawn @ values / drawn.sum(axis=1, keepdims=True)).T))

    found = bootstrap(means, patients[rows], seed=seed, resamples=resamples) if kept else {}
    return pd.DataFrame(
        [
            (groups[first[pair]], groups[second[pair]], one.value, one.low, one.high)
            for pair, one in zip(kept, found.values(), strict=True)
        ],
        columns=columns,
    )
