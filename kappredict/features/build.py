"""Features from a history, by their specs: the one function for training, scoring and serving."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from kappredict.data.columns import Columns, Words
from kappredict.data.history import History
from kappredict.domain.features import (
    ColumnFeature,
    DeliveredFeature,
    FeatureSpec,
    HistoryFeature,
    ItemFeature,
    TotalFeature,
)
from kappredict.features.aggregations import Runs
from kappredict.features.table import FeatureTable


def build_features(history: History, specs: Sequence[FeatureSpec]) -> FeatureTable:
    """Compute the features of every course of a history.

    Parameters
    ----------
    history
        What was known before each landmark.
    specs
        The columns to compute, in order; a column that nothing is known for is all missing.
    """
    numbers: dict[str, np.ndarray] = {}
    texts: dict[str, Words] = {}
    assessed: dict[float | None, list[FeatureSpec]] = defaultdict(list)
    for spec in specs:
        match spec.recipe:
            case TotalFeature() | ItemFeature() as recipe:
                assessed[recipe.lookback_days].append(spec)
            case ColumnFeature(kind="category", column=column):
                texts[spec.name] = history.courses.texts.get(column, Words.missing(len(history)))
            case ColumnFeature(column=column):
                numbers[spec.name] = history.courses.numbers.get(column, _unknown(history))
            case HistoryFeature() as recipe:
                numbers[spec.name] = _fact(history, recipe)
            case DeliveredFeature() as recipe:
                numbers[spec.name] = _delivered(history, recipe)
    for lookback, wanted in assessed.items():
        numbers |= _assessed(history, wanted, lookback)
    return FeatureTable(Columns(numbers, texts), tuple(specs))


def _unknown(history: History) -> np.ndarray:
    return np.full(len(history), np.nan)


def _assessed(
    history: History, specs: list[FeatureSpec], lookback: float | None
) -> dict[str, np.ndarray]:
    """Compute all aggregates of totals, and the last value of items, in one pass each."""
    rows = history.assessments
    day, item = rows.numbers["day"], rows.texts["item"]
    recent = day >= (-np.inf if lookback is None else -lookback)
    is_total = item.are_among([word == "" for word in item.words]) | (item.codes < 0)
    totals = [spec for spec in specs if isinstance(spec.recipe, TotalFeature)]
    items = [spec for spec in specs if isinstance(spec.recipe, ItemFeature)]
    columns = _spread(history, recent & is_total, _recipes(totals)) if totals else {}
    if items:
        columns |= _spread(history, recent & ~is_total, _recipes(items))
    return columns


def _recipes(specs: list[FeatureSpec]) -> dict[str, tuple[tuple[str, str], str]]:
    """Give, for each column, its series (an instrument, and an item or none) and its aggregate."""
    recipes: dict[str, tuple[tuple[str, str], str]] = {}
    for spec in specs:
        match spec.recipe:
            case TotalFeature(instrument=instrument, aggregate=aggregate):
                recipes[spec.name] = ((instrument, ""), aggregate)
            case ItemFeature(instrument=instrument, item=item):
                recipes[spec.name] = ((instrument, item), "last")
    return recipes


def _spread(
    history: History, wanted: np.ndarray, recipes: dict[str, tuple[tuple[str, str], str]]
) -> dict[str, np.ndarray]:
    """Aggregate rows by course and series, and lay the results out as columns."""
    keys = {key: number for number, key in enumerate(dict.fromkeys(k for k, _ in recipes.values()))}
    texts = history.assessments.texts
    code = _series(texts["instrument"], texts["item"], keys)
    kept = np.flatnonzero(wanted & (code >= 0))
    rows = history.assessments.take(kept).numbers
    row, day, courses = rows["row"], rows["day"], history.courses.numbers
    index_day = courses["index_day"] - courses["landmark_day"]
    runs = Runs.of(row * len(keys) + code[kept], day, rows["value"], day >= index_day[row])
    place, series = np.divmod(runs.series, len(keys))
    laid_out = {}
    for aggregate in dict.fromkeys(one for _, one in recipes.values()):
        table = np.full((len(keys), len(history)), 0.0 if aggregate == "count" else np.nan)
        table[series, place] = getattr(runs, aggregate)()
        laid_out[aggregate] = table
    return {name: laid_out[aggregate][keys[key]] for name, (key, aggregate) in recipes.items()}


def _series(instrument: Words, item: Words, keys: dict[tuple[str, str], int]) -> np.ndarray:
    """Give the number of each row's series; -1 where no feature wants it."""
    items = (*item.words, "")
    number = np.array(
        [[keys.get((one, other), -1) for other in items] for one in (*instrument.words, "")]
    )
    return number[instrument.codes, item.codes]


def _fact(history: History, recipe: HistoryFeature) -> np.ndarray:
    """Compute a flag, count or value from the facts of history; 0 in `value` says asked, and no."""
    facts, texts = history.facts.numbers, history.facts.texts
    code, outcome = texts["code"], texts["outcome"]
    meant = texts["kind"].are(recipe.kind) & code.are_among(
        [recipe.matches(one) for one in code.words]
    )
    if recipe.outcomes:
        meant &= outcome.are_among([one in recipe.outcomes for one in outcome.words])
    if recipe.lookback_days is not None:
        meant &= np.nan_to_num(facts["end_day"]) >= -recipe.lookback_days
    column = np.zeros(len(history)) if recipe.when_absent == "zero" else _unknown(history)
    if not meant.any():
        return column
    row, value = facts["row"][meant], facts["value"][meant]
    if recipe.measure == "value":
        order = np.argsort(facts["known_day"][meant], kind="stable")
        recorded = order[~np.isnan(value[order])]
        column[row[recorded]] = value[recorded]
        return column
    positive = (value != 0).astype(float)  # NaN is a fact without an amount: it counts
    count = np.bincount(row, weights=positive, minlength=len(column))
    asked = np.bincount(row, minlength=len(column)) > 0
    column[asked] = count[asked]
    return np.minimum(column, 1.0) if recipe.measure == "flag" else column


def _delivered(history: History, recipe: DeliveredFeature) -> np.ndarray:
    """Aggregate the sessions held since the index day; all missing before the first dose."""
    courses, sessions = history.courses.numbers, history.sessions.numbers
    kind = history.sessions.texts["kind"]
    held = kind.are_among([one in recipe.kinds for one in kind.words])
    begun = courses["landmark_day"] > courses["index_day"]
    row, n = sessions["row"][held], len(history)
    if recipe.aggregate == "count":
        return np.where(begun, np.bincount(row, minlength=n).astype(float), np.nan)
    values = sessions[recipe.column][held]
    known = ~np.isnan(values)
    return np.where(begun, _OVER[recipe.aggregate](row[known], values[known], n), np.nan)


def _mean(row: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.bincount(row, values, n) / np.bincount(row, minlength=n)


def _highest(row: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    found = np.full(n, np.nan)
    np.fmax.at(found, row, values)
    return found


def _since_last(row: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    return -_highest(row, values, n)


_OVER = {"mean": _mean, "max": _highest, "recency": _since_last}
