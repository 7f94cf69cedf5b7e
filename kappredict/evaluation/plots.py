"""Figures of an evaluation (plotly), in plain words, marked where the data are synthetic.

Colours are Okabe and Ito's, which people with a colour-vision deficiency can tell apart.
"""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from scipy.stats import binomtest
from sklearn.metrics import roc_curve

from kappredict.estimators.targets import Times, YesNo
from kappredict.evaluation.cross_validation import MODEL, OutOfFold, Predictions
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.report import EvaluationReport

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#6B7280"
_GROUPS = 10


def task_figures(
    data: ModellingSet,
    predictions: Predictions,
    report: EvaluationReport,
    importance: pd.Series,
    *,
    synthetic: bool,
) -> dict[str, go.Figure]:
    """Draw a task's figures from the out-of-fold predictions of its headline scheme."""
    predicted = predictions[report.headline][MODEL]
    figures = {"forest": forest(report), "importance": importance_bars(importance)}
    match data.target:
        case YesNo() as target:
            probability = np.nanmean(predicted.predictions, axis=0)
            known = np.isfinite(probability)
            figures["calibration"] = calibration(target.outcome[known], probability[known])
            figures["roc"] = roc(target.outcome[known], probability[known])
        case Times() as target:
            figures["relapse_curves"] = relapse_curves(target, predicted)
    mark = " (synthetic data)" if synthetic else ""
    for figure in figures.values():
        figure.update_layout(
            title=f"{figure.layout.title.text}{mark}",
            template="plotly_white",
            height=420,
            margin={"l": 60, "r": 20, "t": 60, "b": 50},
        )
    return figures


def calibration(outcome: np.ndarray, probability: np.ndarray) -> go.Figure:
    """Draw observed against predicted by tenths of the predictions, with Wilson intervals."""
    tenth = pd.Series(pd.qcut(probability, _GROUPS, labels=False, duplicates="drop"))
    rows = pd.DataFrame({"outcome": outcome, "probability": probability})
    table = rows.groupby(tenth).agg(
        n=("outcome", "size"), events=("outcome", "sum"), predicted=("probability", "mean")
    )
    ends = [
        binomtest(int(events), int(n)).proportion_ci(method="wilson")
        for events, n in zip(table["events"], table["n"], strict=True)
    ]
    seen = table["events"] / table["n"]
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "dash": "dot"}, name="perfect"
    )
    figure.add_scatter(
        x=table["predicted"],
        y=seen,
        error_y={
            "type": "data",
            "array": [end.high - one for end, one in zip(ends, seen, strict=True)],
            "arrayminus": [one - end.low for end, one in zip(ends, seen, strict=True)],
        },
        mode="markers",
        marker={"color": BLUE, "size": 9},
        name="tenths of the courses",
    )
    figure.update_layout(title="Predicted and observed")
    figure.update_xaxes(title="predicted probability", range=[0, 1])
    figure.update_yaxes(title="observed share", range=[0, 1])
    return figure


def roc(outcome: np.ndarray, probability: np.ndarray) -> go.Figure:
    """Draw sensitivity against the false positive rate."""
    false_positive, sensitivity, _ = roc_curve(outcome, probability)
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "dash": "dot"}, name="chance"
    )
    figure.add_scatter(
        x=false_positive, y=sensitivity, mode="lines", line={"color": BLUE}, name="model"
    )
    figure.update_layout(title="Telling outcomes apart (ROC)")
    figure.update_xaxes(title="false positive rate", range=[0, 1])
    figure.update_yaxes(title="sensitivity", range=[0, 1])
    return figure


def relapse_curves(target: Times, predicted: OutOfFold) -> go.Figure:
    """Draw observed (Kaplan-Meier) and mean predicted survival by thirds of predicted risk."""
    survival = np.nanmean(predicted.predictions, axis=0)
    known = np.flatnonzero(np.isfinite(survival).all(axis=1))
    third = pd.qcut(pd.Series(survival[known].mean(axis=1)).rank(method="first"), 3, labels=False)
    figure = go.Figure()
    names = ("highest risk", "middle", "lowest risk")
    for number, (name, colour) in enumerate(zip(names, (ORANGE, GREY, BLUE), strict=True)):
        rows = known[third == number]
        days, observed = kaplan_meier(target.seen[rows], target.relapsed[rows])
        line = {"color": colour, "shape": "hv"}
        figure.add_scatter(x=days, y=observed, mode="lines", line=line, name=f"{name}, observed")
        dashed = {"color": colour, "dash": "dash"}
        mean = survival[rows].mean(axis=0)
        figure.add_scatter(
            x=predicted.days, y=mean, mode="lines", line=dashed, name=f"{name}, predicted"
        )
    figure.update_layout(title="Staying well, by thirds of predicted risk")
    figure.update_xaxes(title="days since the clock started")
    figure.update_yaxes(title="share without relapse", range=[0, 1])
    return figure


def kaplan_meier(seen: np.ndarray, relapsed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the Kaplan-Meier curve as days and survival, from day 0."""
    days, place = np.unique(seen, return_inverse=True)
    events = np.bincount(place, weights=relapsed)
    at_risk = np.bincount(place)[::-1].cumsum()[::-1]
    return np.append(0.0, days), np.append(1.0, np.cumprod(1 - events / at_risk))


def forest(report: EvaluationReport) -> go.Figure:
    """Draw discrimination under every scheme, the labels' beside the model's."""
    figure = go.Figure()
    name = report.discrimination
    contenders: tuple[tuple[str, str], ...] = (("model", BLUE), ("labels alone", ORANGE))
    for contender, colour in contenders:
        estimates = [
            one.metrics[name] if contender == "model" else one.baselines["labels"][name]
            for one in report.schemes.values()
        ]
        _add_estimates(figure, list(report.schemes), estimates, contender, colour)
    figure.add_vline(x=0.5, line={"color": GREY, "dash": "dot"})
    figure.update_layout(title=f"{'AUC' if name == 'auc' else 'C-index (Uno)'} by split scheme")
    figure.update_xaxes(title="0.5 is chance, 1 is perfect")
    return figure


def _add_estimates(
    figure: go.Figure, schemes: list[str], estimates: list[Estimate], name: str, colour: str
) -> None:
    figure.add_scatter(
        y=[scheme.replace("_", " ") for scheme in schemes],
        x=[one.value for one in estimates],
        error_x={
            "type": "data",
            "array": [one.high - one.value for one in estimates],
            "arrayminus": [one.value - one.low for one in estimates],
        },
        mode="markers",
        marker={"color": colour, "size": 10},
        name=name,
    )


def importance_bars(importance: pd.Series, most: int = 15) -> go.Figure:
    """Draw the mean absolute contribution of each clinical idea, largest on top."""
    shown = importance.head(most)[::-1]
    figure = go.Figure(
        go.Bar(x=shown.to_numpy(), y=shown.index, orientation="h", marker_color=GREEN)
    )
    figure.update_layout(title="What moves the prediction most")
    figure.update_xaxes(title="mean absolute contribution, on the model's margin")
    return figure
