"""A small learning problem with a known answer, for the estimators' tests."""

import numpy as np
import pandas as pd

from kappredict.domain.features import ColumnFeature, FeatureSpec
from kappredict.estimators.fit import Rows
from kappredict.estimators.targets import Target, Times, YesNo
from kappredict.features.table import FeatureTable


def feature_table(seed: int, rows: int) -> FeatureTable:
    """Draw a signal, noise with gaps, a category, a constant and an all-missing column."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=rows)
    noise[rng.random(rows) < 0.3] = np.nan
    frame = pd.DataFrame(
        {
            "signal": rng.normal(size=rows),
            "noise": noise,
            "route": pd.Series(rng.choice(["iv", "im", "sl"], rows), dtype="str"),
            "constant": np.ones(rows),
            "nothing": np.full(rows, np.nan),
        }
    )
    return FeatureTable(frame, tuple(_spec(name, frame[name]) for name in frame))


def _spec(name: str, values: pd.Series) -> FeatureSpec:
    kind = "category" if values.dtype == "str" else "numeric"
    recipe = ColumnFeature(table="patients", column=name, label=name, group=name, kind=kind)
    return FeatureSpec(name=name, label=name.title(), kind=kind, group=name, recipe=recipe)


def response_rows(seed: int = 0, rows: int = 300, effect: float = 1.0) -> Rows:
    """Courses whose log-odds of response are `effect` times their signal."""
    table = feature_table(seed, rows)
    rng = np.random.default_rng(seed + 1)
    odds = effect * table.frame["signal"].to_numpy()
    outcome = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(float)
    return rows_of(table, YesNo(outcome))


def relapse_rows(seed: int = 0, rows: int = 300, effect: float = 0.8) -> Rows:
    """Weibull times seen at visits on days 30, 60, 90, 180 and 365."""
    table = feature_table(seed, rows)
    rng = np.random.default_rng(seed + 1)
    location = 4.5 + effect * table.frame["signal"].to_numpy()
    time = np.exp(location + np.log(rng.exponential(size=rows)))
    visits = np.array([0.0, 30.0, 60.0, 90.0, 180.0, 365.0])
    place = np.searchsorted(visits, time)
    lower = visits[np.clip(place - 1, 0, None)]
    upper = np.append(visits, np.inf)[place]
    return rows_of(table, Times(lower, upper, np.isfinite(upper).astype(int), 365.0))


def rows_of(table: FeatureTable, target: Target) -> Rows:
    """One study, one condition, two courses a patient."""
    rows = len(target)
    patients = np.array([f"p{number // 2}" for number in range(rows)], dtype=object)
    sites = np.array([f"site-{number // 2 % 4}" for number in range(rows)], dtype=object)
    return Rows(
        table, table, target, patients, np.full(rows, "study"), sites, np.zeros(rows, dtype=int)
    )
