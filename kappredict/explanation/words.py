"""A patient's values and the typical ones in plain words, a clinical idea at a time."""

import math

from kappredict.data.columns import Words
from kappredict.domain.features import FeatureSpec, TotalFeature
from kappredict.estimators.bundle import ModelBundle
from kappredict.features.table import FeatureTable

NOT_KNOWN = "not known"
Value = float | str | None


def group_words(bundle: ModelBundle, group: str, table: FeatureTable, row: int) -> str:
    """Say what is known of a group: an instrument's last total with its band, else each fact."""
    told = bundle.told_by_idea[group]
    shown = [spec_words(bundle, spec, value_of(table, spec, row)) for spec in told]
    return ", ".join(one for one in shown if one) or NOT_KNOWN


def typical_words(bundle: ModelBundle, group: str) -> str:
    """Say what is typical of a group told by one fact: the training median or commonest level."""
    told = bundle.told_by_idea[group]
    if len(told) != 1:
        return ""
    typical = bundle.recipe.typical[told[0].name]
    return spec_words(bundle, told[0], typical.median if typical.level is None else typical.level)


def value_of(table: FeatureTable, spec: FeatureSpec, row: int) -> Value:
    """Give one value of a table, None where it is missing."""
    if spec.name in table.columns.texts:
        words: Words = table.columns.texts[spec.name]
        code = int(words.codes[row])
        return words.words[code] if code >= 0 else None
    number = float(table.columns.numbers[spec.name][row])
    return None if math.isnan(number) else number


def spec_words(bundle: ModelBundle, spec: FeatureSpec, value: Value) -> str:
    """Say one value, or nothing where it is missing."""
    if value is None:
        return ""
    label = "" if spec.label.lower() == spec.group.lower() else f"{spec.label.lower()} "
    if isinstance(value, str):
        return f"{label}{value}"
    if spec.kind == "flag":
        return f"{label.strip()}: {'yes' if value > 0 else 'no'}".removeprefix(": ")
    figure = f"{value:.0f}" if math.isclose(value, round(value), abs_tol=1e-6) else f"{value:.1f}"
    if isinstance(spec.recipe, TotalFeature):
        bands = bundle.recipe.instruments[spec.recipe.instrument].bands
        return f"{figure}, {bands.label_of(value)}" if bands else figure
    unit = "" if spec.unit in label.split() else spec.unit
    return f"{label}{figure} {unit}".strip()
