"""Figures of an evaluation (plotly): one function per figure, from arrays to a `go.Figure`.

Colours are those of Okabe and Ito, which people with a colour-vision deficiency can tell apart;
what a colour says, a symbol or a dash says too. Titles and axes are in words a reader of the
results knows, and say where the data are synthetic.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from sklearn.metrics import roc_curve

from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.metrics_survival import ObservationChances, SeenTimes, known_weights

BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#6B7280"
_SERIES = (
    (BLUE, "circle"),
    (ORANGE, "diamond"),
    (GREEN, "square"),
    (PURPLE, "triangle-up"),
)
_THIRDS = (
    ("lowest predicted risk", BLUE),
    ("middle", GREEN),
    ("highest predicted risk", ORANGE),
)


def roc_figure(
    outcome: np.ndarray, probability: np.ndarray, fold: np.ndarray, *, synthetic: bool
) -> go.Figure:
    """Draw sensitivity against false alarms: the average of the test folds' curves."""
    curve = roc_points(outcome, probability, fold)
    figure = go.Figure()
    diagonal(figure, "chance")
    figure.add_scatter(
        x=curve["false_alarms"],
        y=curve["sensitivity"],
        mode="lines",
        line={"color": BLUE},
        name="model",
    )
    axes = (
        "share of courses without the outcome, ranked at or above",
        "share of courses with it, ranked at or above",
    )
    title = "How well outcomes are told apart (ROC)"
    return finished(figure, title, axes, synthetic=synthetic, unit=True)


def roc_points(outcome: np.ndarray, probability: np.ndarray, fold: np.ndarray) -> pd.DataFrame:
    """Average the folds' ROC curves, each weighted by its pairs.

    Folds are ranked by different models and cannot share one curve; the area under this one is the
    AUC of `metrics_binary.auc`. Empty where no fold has both outcomes.
    """
    at = np.linspace(0, 1, 201)
    curves, pairs = [], []
    for name in np.unique(fold):
        inside = fold == name
        events = outcome[inside].sum()
        if 0 < events < inside.sum():
            false_alarms, sensitivity, _ = roc_curve(outcome[inside], probability[inside])
            curves.append(np.interp(at, false_alarms, sensitivity))
            pairs.append(events * (inside.sum() - events))
    if not curves:
        return pd.DataFrame(columns=["false_alarms", "sensitivity"])
    average = np.average(curves, axis=0, weights=pairs)
    # A curve starts at the origin, however steeply it leaves it.
    return pd.DataFrame(
        {"false_alarms": np.append(0.0, at), "sensitivity": np.append(0.0, average)}
    )


def relapse_figure(
    times: SeenTimes, survival: np.ndarray, days: np.ndarray, *, synthetic: bool
) -> go.Figure:
    """Draw observed and mean predicted relapse-free share over time, by thirds of predicted risk.

    Parameters
    ----------
    survival
        Rows × days: the predicted probability of no relapse by each day.
    """
    figure = go.Figure()
    order = pd.Series(-survival.mean(axis=1)).rank(method="first")
    third = np.asarray(np.ceil(3 * order / max(1, len(order)))) - 1
    for number, (name, colour) in enumerate(_THIRDS):
        rows = np.flatnonzero(third == number)
        if not len(rows):
            continue
        observed = relapse_free(SeenTimes(times.seen[rows], times.event[rows]), days)
        line = {"color": colour, "shape": "hv"}
        figure.add_scatter(
            x=observed["day"], y=observed["share"], mode="lines", line=line, name=f"{name}: seen"
        )
        figure.add_scatter(
            x=np.append(0.0, days),
            y=np.append(1.0, survival[rows].mean(axis=0)),
            mode="lines",
            line={"color": colour, "dash": "dash"},
            name=f"{name}: predicted",
        )
    axes = ("days since the clock started", "share without relapse")
    title = "Staying well, by thirds of predicted risk"
    return finished(figure, title, axes, synthetic=synthetic).update_yaxes(range=[0, 1.02])


def relapse_free(times: SeenTimes, days: np.ndarray) -> pd.DataFrame:
    """Give the observed share without relapse from day 0 to the last of `days` followed to.

    One minus the Aalen-Johansen estimate: Kaplan-Meier where nothing competes with relapse.
    """
    weights = np.ones((1, len(times.seen)))
    chances = ObservationChances.fit(times, weights)
    relapses = times.seen[times.event == 1]
    steps = np.unique(np.concatenate([days, relapses[relapses <= days.max()]]))
    steps = steps[[times.followed_to(day) for day in steps]]
    shares = [
        1
        - (known_weights(times, day, weights, chances) @ times.relapsed_by(day)).item()
        / len(times.seen)
        for day in steps
    ]
    return pd.DataFrame({"day": np.append(0.0, steps), "share": np.append(1.0, shares)})


def forest_figure(
    estimates: Mapping[str, Mapping[str, Estimate]], *, figure_name: str, synthetic: bool
) -> go.Figure:
    """Draw discrimination with intervals under every split scheme, baselines beside the model.

    Parameters
    ----------
    estimates
        Contender → scheme → estimate; contenders in the order of the legend.
    figure_name
        What was estimated, in words: the AUC, the C-index.
    """
    figure = go.Figure()
    for (contender, by_scheme), (colour, symbol) in zip(estimates.items(), _SERIES, strict=False):
        points = list(by_scheme.values())
        values = [one.value for one in points]
        error = bars(values, [one.low for one in points], [one.high for one in points])
        figure.add_scatter(
            y=[scheme.replace("_", " ") for scheme in by_scheme],
            x=values,
            error_x=error,
            orientation="h",
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 10},
            name=contender.replace("_", " "),
        )
    figure.add_vline(x=0.5, line={"color": GREY, "dash": "dot"})
    figure.update_layout(scattermode="group")
    figure.update_yaxes(autorange="reversed")
    axes = (f"{figure_name}, 95 % interval (0.5 is chance, 1 is perfect)", "")
    return finished(figure, f"{figure_name} by split scheme", axes, synthetic=synthetic)


def distribution_figure(
    outcome: np.ndarray, probability: np.ndarray, *, synthetic: bool
) -> go.Figure:
    """Draw how predictions are spread among courses with and without the outcome."""
    figure = go.Figure()
    sides = ((1, "with the outcome", ORANGE, "/"), (0, "without it", BLUE, ""))
    for side, name, colour, pattern in sides:
        figure.add_histogram(
            x=probability[outcome == side],
            name=name,
            histnorm="probability",
            xbins={"start": 0, "end": 1, "size": 0.05},
            marker={"color": colour, "pattern": {"shape": pattern}},
            opacity=0.6,
        )
    figure.update_layout(barmode="overlay")
    figure.update_xaxes(range=[0, 1])
    axes = ("predicted probability", "share of courses")
    title = "Predictions of those with and without the outcome"
    return finished(figure, title, axes, synthetic=synthetic)


def bars(
    values: Sequence[float] | pd.Series,
    low: Sequence[float] | pd.Series,
    high: Sequence[float] | pd.Series,
) -> dict[str, Any]:
    """Give error bars that reach from low to high."""
    above = np.asarray(high) - np.asarray(values)
    return {"type": "data", "array": above, "arrayminus": np.asarray(values) - np.asarray(low)}


def diagonal(figure: go.Figure, name: str) -> None:
    """Draw the line from corner to corner."""
    line = {"color": GREY, "dash": "dot"}
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line=line, name=name)


def finished(
    figure: go.Figure, title: str, axes: tuple[str, str], *, synthetic: bool, unit: bool = False
) -> go.Figure:
    """Title the figure and its axes; `unit` makes both axes run from 0 to 1."""
    figure.update_layout(
        title=f"{title} – synthetic data" if synthetic else title,
        template="plotly_white",
        height=420,
        margin={"l": 60, "r": 20, "t": 60, "b": 50},
        legend={"orientation": "h", "y": -0.25},
    )
    figure.update_xaxes(title=axes[0])
    figure.update_yaxes(title=axes[1])
    if unit:
        figure.update_xaxes(range=[0, 1]).update_yaxes(range=[0, 1])
    return figure
