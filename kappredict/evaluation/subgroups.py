"""How a model does among women and men, young and old, mild and severe, at each site.

fairlearn's `MetricFrame` counts and compares the groups; intervals are from our bootstrap over
patients. Groups that are too small show their size as "fewer than" and no figure, so that nobody
can be found in them and nothing is read into noise.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from fairlearn.metrics import MetricFrame, count

from kappredict.evaluation.decisions import benefit_at
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.metrics_binary import (
    auc,
    brier,
    calibration_intercept,
    calibration_slope,
)
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.question import Question

LEAST_EITHER_SIDE = 10
_COURSE_COLUMNS = ("sex", "site", "study", "setting")
_AGES = (0.0, 30.0, 45.0, 60.0, np.inf)
_AGE_BANDS = ("under 30", "30 to 44", "45 to 59", "60 and over")
_SEVERITIES = ("mildest third", "middle third", "most severe third")


@dataclass(frozen=True)
class Subgroups:
    """Figures by group, and the gap between the best and the worst group of each division.

    `table` has division, group, n (text), figure, value, low, high; `gaps` has division, figure
    and gap, over groups that are large enough.
    """

    table: pd.DataFrame
    gaps: pd.DataFrame

    def worst(self, figure: str) -> tuple[str, str, float] | None:
        """Name the division and group where a figure is lowest, and the figure."""
        rows = self.table[self.table["figure"] == figure].dropna(subset="value")
        if rows.empty:
            return None
        row = rows.sort_values("value").iloc[0]
        return str(row["division"]), str(row["group"]), float(row["value"])


def divisions(data: ModellingSet, rows: np.ndarray) -> dict[str, pd.Series]:
    """Divide some rows by what was recorded of the patients: sex, age, severity, place.

    Columns that a study declares for groups of people (race or ethnicity, say) divide them too.
    """
    courses = data.courses.iloc[rows]
    found = {name: courses[name].astype("str") for name in _COURSE_COLUMNS if name in courses}
    found["age"] = pd.Series(
        pd.cut(courses["age"], _AGES, right=False, labels=_AGE_BANDS), dtype="str"
    )
    severity = courses["judged_baseline"]
    if severity.nunique() >= len(_SEVERITIES):
        thirds = pd.qcut(severity.rank(method="first"), len(_SEVERITIES), labels=_SEVERITIES)
        found["baseline severity"] = pd.Series(thirds, dtype="str")
    for spec in data.features.specs:
        if spec.kind == "category" and spec.name not in courses:
            found[spec.label.lower()] = data.features.frame[spec.name].iloc[rows]
    divided = {name: one.reset_index(drop=True) for name, one in found.items()}
    return {name: one for name, one in divided.items() if len(one.dropna().unique()) > 1}


def by_subgroup(
    question: Question, groups: Mapping[str, pd.Series], *, seed: int, resamples: int
) -> Subgroups:
    """Give AUC, Brier score, calibration and net benefit of each group, with intervals."""
    rows: list[tuple[object, ...]] = []
    gaps: list[tuple[str, str, float]] = []
    known = question.weights > 0
    for division, column in groups.items():
        named = column.notna().to_numpy() & known
        if not named.any():
            continue
        frame = MetricFrame(
            metrics={"n": count, "events": lambda true, _: float(true.sum())},
            y_true=question.outcome[named],
            y_pred=question.probability[0, named],
            sensitive_features=column[named].to_numpy(dtype=object),
        )
        found = {
            group: _estimates(question, np.flatnonzero(named & (column == group)), seed, resamples)
            for group, size in frame.by_group.iterrows()
            if min(size["events"], size["n"] - size["events"]) >= LEAST_EITHER_SIDE
        }
        for group, size in frame.by_group.iterrows():
            rows += _lines(division, str(group), int(size["n"]), found.get(group, {}))
        gaps += _gaps(division, found)
    table = pd.DataFrame(rows, columns=["division", "group", "n", "figure", "value", "low", "high"])
    return Subgroups(table, pd.DataFrame(gaps, columns=["division", "figure", "gap"]))


def _estimates(
    question: Question, rows: np.ndarray, seed: int, resamples: int
) -> dict[str, Estimate]:
    rate = float(np.average(question.outcome, weights=question.weights))

    def figures(
        outcome: np.ndarray, probability: np.ndarray, fold: np.ndarray, weights: np.ndarray
    ) -> dict[str, np.ndarray]:
        return {
            "auc": auc(outcome, probability, fold, weights),
            "brier": brier(outcome, probability, weights),
            "calibration_intercept": calibration_intercept(outcome, probability, weights),
            "calibration_slope": calibration_slope(outcome, probability, weights),
            "net_benefit": benefit_at(outcome, probability, weights, rate),
        }

    return question.take(rows).estimate(figures, seed=seed, resamples=resamples)


def _lines(
    division: str, group: str, n: int, found: Mapping[str, Estimate]
) -> list[tuple[object, ...]]:
    """Give one row per figure; a group without figures gets one row that hides its small size."""
    if not found:
        size = str(n) if n >= 2 * LEAST_EITHER_SIDE else f"fewer than {2 * LEAST_EITHER_SIDE}"
        return [(division, group, size, "", np.nan, np.nan, np.nan)]
    return [
        (division, group, str(n), name, one.value, one.low, one.high) for name, one in found.items()
    ]


def _gaps(
    division: str, found: Mapping[str, Mapping[str, Estimate]]
) -> list[tuple[str, str, float]]:
    if len(found) < 2:
        return []
    table = pd.DataFrame(
        {
            group: {name: one.value for name, one in figures.items()}
            for group, figures in found.items()
        }
    )
    gap = table.max(axis=1) - table.min(axis=1)
    return [(division, str(name), float(value)) for name, value in gap.items()]
