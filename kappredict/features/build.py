"""Features from a history, by their specs: the one function for training, scoring and serving."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pandas as pd

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
from kappredict.features.specs import matches
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
    columns: dict[str, np.ndarray | pd.Series] = {}
    assessed: dict[float | None, list[FeatureSpec]] = defaultdict(list)
    for spec in specs:
        match spec.recipe:
            case TotalFeature() | ItemFeature() as recipe:
                assessed[recipe.lookback_days].append(spec)
            case ColumnFeature() as recipe:
                columns[spec.name] = _column(history, recipe)
            case HistoryFeature() as recipe:
                columns[spec.name] = _fact(history, recipe)
            case DeliveredFeature() as recipe:
                columns[spec.name] = _delivered(history, recipe)
    for lookback, wanted in assessed.items():
        columns |= _assessed(history, wanted, lookback)
    names = [spec.name for spec in specs]
    frame = pd.DataFrame({name: columns[name] for name in names}, index=history.courses.index)
    return FeatureTable(frame, tuple(specs))


def _column(history: History, recipe: ColumnFeature) -> pd.Series:
    kept = history.courses.get(recipe.column)
    values = pd.Series(np.nan, index=history.courses.index) if kept is None else kept
    return values.astype("str") if recipe.kind == "category" else values.astype("float64")


def _assessed(
    history: History, specs: list[FeatureSpec], lookback: float | None
) -> dict[str, np.ndarray]:
    """Compute all aggregates of totals, and the last value of items, in one pass each."""
    rows = history.assessments
    if lookback is not None:
        rows = rows[rows["day"] >= -lookback]
    is_total = (rows["item"].isna() | (rows["item"] == "")).to_numpy()
    totals = [spec for spec in specs if isinstance(spec.recipe, TotalFeature)]
    items = [spec for spec in specs if isinstance(spec.recipe, ItemFeature)]
    every = _recipes(totals)
    columns = _spread(history, rows[is_total], ["instrument"], every) if totals else {}
    if items:
        columns |= _spread(history, rows[~is_total], ["instrument", "item"], _recipes(items))
    return columns


def _recipes(specs: list[FeatureSpec]) -> dict[str, tuple[tuple[str, ...], str]]:
    """Give, for each column, the key of its series and its aggregate."""
    recipes: dict[str, tuple[tuple[str, ...], str]] = {}
    for spec in specs:
        match spec.recipe:
            case TotalFeature(instrument=instrument, aggregate=aggregate):
                recipes[spec.name] = ((instrument,), aggregate)
            case ItemFeature(instrument=instrument, item=item):
                recipes[spec.name] = ((instrument, item), "last")
    return recipes


def _spread(
    history: History,
    rows: pd.DataFrame,
    by: list[str],
    recipes: dict[str, tuple[tuple[str, ...], str]],
) -> dict[str, np.ndarray]:
    """Aggregate rows by course and series, and lay the results out as columns."""
    keys = list(dict.fromkeys(key for key, _ in recipes.values()))
    code = _key_codes(rows, by, keys)
    known = code >= 0
    row = rows["row"].to_numpy()[known]
    day = rows["day"].to_numpy()[known]
    index_day = (history.courses["index_day"] - history.courses["landmark_day"]).to_numpy()
    runs = Runs.of(
        row * len(keys) + code[known], day, rows["value"].to_numpy()[known], day >= index_day[row]
    )
    place, series = np.divmod(runs.series, len(keys))
    computed = {name: getattr(runs, name)() for name in {one for _, one in recipes.values()}}
    columns = {}
    for name, (key, aggregate) in recipes.items():
        column = np.full(len(history.courses), 0.0 if aggregate == "count" else np.nan)
        mine = series == keys.index(key)
        column[place[mine]] = computed[aggregate][mine]
        columns[name] = column
    return columns


def _key_codes(rows: pd.DataFrame, by: list[str], keys: list[tuple[str, ...]]) -> np.ndarray:
    """Give the number of each row's series; -1 where no feature wants it."""
    wanted = pd.MultiIndex.from_tuples(keys, names=by) if len(by) > 1 else None
    if wanted is None:
        return pd.Index([key[0] for key in keys]).get_indexer(pd.Index(rows[by[0]]))
    return wanted.get_indexer(pd.MultiIndex.from_frame(rows[by]))


def _fact(history: History, recipe: HistoryFeature) -> np.ndarray:
    """Compute a flag, count or value from the facts of history; 0 in `value` says asked, and no."""
    facts = history.facts[history.facts["kind"] == recipe.kind]
    codes = {code for code in facts["code"].unique() if matches(recipe, code)}
    facts = facts[facts["code"].isin(codes)]
    if recipe.outcomes:
        facts = facts[facts["outcome"].isin(recipe.outcomes)]
    if recipe.lookback_days is not None:
        ended = facts["end_day"].fillna(0)
        facts = facts[ended >= -recipe.lookback_days]
    row = facts["row"].to_numpy()
    value = facts["value"].to_numpy()
    column = np.full(len(history.courses), 0.0 if recipe.when_absent == "zero" else np.nan)
    if recipe.measure == "value":
        order = np.argsort(facts["known_day"].to_numpy(), kind="stable")
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
    courses = history.courses
    held = history.sessions[history.sessions["kind"].isin(recipe.kinds)]
    column = np.full(len(courses), np.nan)
    begun = (courses["landmark_day"] > courses["index_day"]).to_numpy()
    if recipe.aggregate == "count":
        counts = np.bincount(held["row"].to_numpy(), minlength=len(courses)).astype(float)
        return np.where(begun, counts, column)
    by_course = held.groupby("row")[recipe.column]
    values = -by_course.max() if recipe.aggregate == "recency" else by_course.agg(recipe.aggregate)
    column[values.index.to_numpy()] = values.to_numpy()
    return np.where(begun, column, np.nan)
