"""Contributions by clinical idea.

An instrument's items and aggregates, a category's levels and a value's missingness are one row.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kappredict.domain.features import FeatureSpec, TotalFeature
from kappredict.domain.prediction import Reason
from kappredict.estimators.bundle import ModelBundle
from kappredict.estimators.encoder import Encoder
from kappredict.features.table import FeatureTable

NOT_KNOWN = "not known"


@dataclass(frozen=True)
class Explanation:
    """What each clinical idea adds to the calibrated margin of each row.

    `shares` is rows × groups; `expected` the margin of the average training row. A row's shares
    and `expected` add up to its calibrated margin.
    """

    shares: pd.DataFrame
    expected: float


def explain(bundle: ModelBundle, table: FeatureTable) -> Explanation:
    """Explain every row of a table with the SHAP values of the bundle's model.

    Lundberg and Lee 2017; exact for trees (TreeSHAP, as XGBoost computes it) and for the linear
    models; a group's value is the sum of its columns'.
    """
    shares = bundle.contributions(table)
    groups = column_groups(bundle.encoder, bundle.recipe.specs)
    summed = pd.DataFrame(shares[:, :-1].T, index=pd.Index(groups, name="group"))
    by_group = summed.groupby(level="group", sort=True).sum().T
    return Explanation(by_group.reset_index(drop=True), float(shares[0, -1]))


def column_groups(encoder: Encoder, specs: tuple[FeatureSpec, ...]) -> list[str]:
    """Give the clinical idea of each column of the matrix."""
    group = {spec.name: spec.group for spec in specs}
    return [group[column.feature] for column in encoder.columns]


def importance(bundle: ModelBundle, table: FeatureTable) -> pd.Series:
    """Give the mean absolute contribution of each clinical idea, largest first."""
    return explain(bundle, table).shares.abs().mean().sort_values(ascending=False)


def reasons(bundle: ModelBundle, table: FeatureTable) -> list[tuple[Reason, ...]]:
    """Give each row's reasons, strongest first, with the patient's value in words."""
    explained = explain(bundle, table)
    worded = {
        str(group): _values_in_words(bundle, str(group), table)
        for group in explained.shares.columns
    }
    answers = []
    for row, shares in enumerate(explained.shares.to_dict("records")):
        strongest = sorted(shares.items(), key=lambda one: -abs(one[1]))
        answers.append(
            tuple(Reason(str(group), worded[str(group)][row], float(x)) for group, x in strongest)
        )
    return answers


def _values_in_words(bundle: ModelBundle, group: str, table: FeatureTable) -> list[str]:
    """Word what is known of a group: an instrument's last total with its band, else each fact."""
    specs = [spec for spec in bundle.recipe.specs if spec.group == group]
    totals = [spec for spec in specs if _is_last_total(spec)]
    shown = totals or [spec for spec in specs if not _is_other_aggregate(spec)] or specs
    texts = [[_word(bundle, spec, value) for value in table.frame[spec.name]] for spec in shown]
    worded = []
    for row in zip(*texts, strict=True):
        known = [text for text in row if text]
        worded.append(", ".join(known) if known else NOT_KNOWN)
    return worded


def _is_last_total(spec: FeatureSpec) -> bool:
    return isinstance(spec.recipe, TotalFeature) and spec.recipe.aggregate == "last"


def _is_other_aggregate(spec: FeatureSpec) -> bool:
    return isinstance(spec.recipe, TotalFeature)


def _word(bundle: ModelBundle, spec: FeatureSpec, value: float | str) -> str:
    """Word one value, or nothing where it is missing."""
    if pd.isna(value):
        return ""
    if spec.kind == "category":
        return f"{spec.label.lower()} {value}"
    number = float(value)
    if spec.kind == "flag":
        return f"{spec.label.lower()}: {'yes' if number > 0 else 'no'}"
    figure = f"{number:.0f}" if np.isclose(number, round(number)) else f"{number:.1f}"
    if isinstance(spec.recipe, TotalFeature):
        bands = bundle.recipe.instruments[spec.recipe.instrument].bands
        return f"{figure}, {bands.label_of(number)}" if bands else figure
    return f"{spec.label.lower()} {figure} {spec.unit}".strip()
