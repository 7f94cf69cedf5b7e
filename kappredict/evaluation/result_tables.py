"""Results as long tables: what every scheme gave, and what was predicted for each row."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from kappredict.estimators.targets import Target, Times, YesNo
from kappredict.evaluation.cross_validation import MODEL, OutOfFold, Predictions
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.report import EvaluationReport
from kappredict.evaluation.trust import Trust

_LINE = tuple[float, str, float, float, float]


def performance_table(report: EvaluationReport) -> pd.DataFrame:
    """Give every figure of every scheme.

    Returns
    -------
    scheme, contender (model, base_rate, labels), held_out (the study left out, or empty for all
    together), horizon (day, NaN for the whole period), figure, value, low, high.
    """
    rows = [
        (scheme, contender, held_out, *line)
        for scheme, result in report.schemes.items()
        for contender, held_out, metrics in (
            (MODEL, "", result.metrics),
            *((name, "", one) for name, one in result.baselines.items()),
            *((MODEL, study, one) for study, one in result.held_out.items()),
        )
        for line in _lines(metrics, np.nan)
    ]
    columns = ["scheme", "contender", "held_out", "horizon", "figure", "value", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _lines(metrics: Mapping[str, Any], horizon: float) -> Iterator[_LINE]:
    for name, one in metrics.items():
        if isinstance(one, Estimate):
            yield horizon, name, one.value, one.low, one.high
        elif isinstance(one, Mapping):
            for day, figures in one.items():
                yield from _lines(figures, float(day))


def prediction_table(data: ModellingSet, predictions: Predictions) -> pd.DataFrame:
    """Give what the model predicted for each row when it had not seen it, and what came of it.

    Returns
    -------
    scheme, repeat, row, fold, horizon (day, NaN where there is none), probability (of the outcome;
    for relapse of none by the horizon), spread (of the margin, standard deviation), outcome, and
    for relapse seen (day) and event.
    """
    parts = [
        _predicted(scheme, contenders[MODEL], data.task.condition.at_risk.horizons)
        for scheme, contenders in predictions.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.join(_came_of(data.target), on="row")


def _came_of(target: Target) -> pd.DataFrame:
    match target:
        case YesNo():
            return pd.DataFrame({"outcome": target.outcome})
        case Times():
            return pd.DataFrame({"seen": target.seen, "event": target.event})


def _predicted(scheme: str, one: OutOfFold, horizons: tuple[float, ...]) -> pd.DataFrame:
    repeat, row = np.nonzero(one.folds >= 0)
    days = horizons if one.days.size else (np.nan,)
    place = np.searchsorted(one.days, horizons) if one.days.size else None
    at = one.predictions[repeat, row]
    chances = at[:, place] if place is not None else at[:, None]
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "scheme": scheme,
                    "repeat": repeat,
                    "row": row,
                    "fold": one.folds[repeat, row],
                    "horizon": day,
                    "probability": chances[:, number],
                    "spread": one.spread[repeat, row],
                }
            )
            for number, day in enumerate(days)
        ],
        ignore_index=True,
    )


def trust_tables(found: Trust) -> dict[str, pd.DataFrame]:
    """Give what decides whether a model can be trusted, a table for each part."""
    calibration = [
        (question, figure, one.value, one.low, one.high)
        for question, figures in found.calibration.items()
        for figure, one in figures.items()
    ]
    sites = [one.sites.assign(figure=one.figure) for one in found.sites]
    return {
        "calibration": pd.DataFrame(
            calibration, columns=["question", "figure", "value", "low", "high"]
        ),
        "thresholds": found.thresholds,
        "net_benefit": found.net_benefit,
        "subgroups": found.subgroups.table,
        "sites": pd.concat(sites, ignore_index=True) if sites else pd.DataFrame(),
        "abstaining": found.abstaining,
        "by_width": found.by_width,
        "sensitivity": found.sensitivity,
        "structural": pd.DataFrame({"gap": [str(gap) for gap in found.structural]}),
    }
