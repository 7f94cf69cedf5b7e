"""The calibration figure: observed against predicted, of one question or of several in turn."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from kappredict.evaluation.calibration_curve import grouped_points, smooth_curve
from kappredict.evaluation.figures import BLUE, GREY, ORANGE, bars, diagonal, finished
from kappredict.evaluation.question import Question

_BAND = "rgba(213, 94, 0, 0.15)"  # ORANGE, thinned
_BINS = np.linspace(0, 1, 41)


def calibration_figure(
    questions: Mapping[str, Question], *, seed: int, resamples: int, synthetic: bool
) -> go.Figure:
    """Draw tenths with intervals, a smooth curve with its band, and where predictions lie.

    Several questions (relapse by each horizon) have a button each; the last is shown first.

    Parameters
    ----------
    questions
        What each is called on its button, and its predictions.
    """
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.8, 0.2], vertical_spacing=0.03
    )
    diagonal(figure, "predicted as observed")
    ends = [len(figure.data)]
    for question in questions.values():
        _draw(figure, question, seed, resamples)
        ends.append(len(figure.data))
    axes = ("predicted probability", "share of courses with the outcome")
    finished(figure, "Do predictions come true?", axes, synthetic=synthetic, unit=True)
    figure.update_xaxes(title="", row=1).update_layout(height=520)
    figure.update_yaxes(title="courses", autorange=True, range=None, nticks=3, row=2)
    if len(questions) > 1:
        _add_buttons(figure, list(questions), ends)
    return figure


def _draw(figure: go.Figure, question: Question, seed: int, resamples: int) -> None:
    curve = smooth_curve(question, seed=seed, resamples=resamples)
    if len(curve):
        figure.add_scatter(
            x=np.concatenate([curve["predicted"], curve["predicted"][::-1]]),
            y=np.concatenate([curve["high"], curve["low"][::-1]]),
            fill="toself",
            fillcolor=_BAND,
            line={"width": 0},
            hoverinfo="skip",
            name="95 % interval of the smoothed curve",
        )
        line = {"color": ORANGE, "dash": "dash"}
        figure.add_scatter(
            x=curve["predicted"], y=curve["observed"], mode="lines", line=line, name="smoothed"
        )
    points = grouped_points(question)
    figure.add_scatter(
        x=points["predicted"],
        y=points["observed"],
        error_y=bars(points["observed"], points["low"], points["high"]),
        customdata=points["n"],
        hovertemplate="predicted %{x:.2f}, observed %{y:.2f}, worth %{customdata:.0f} courses",
        mode="markers",
        marker={"color": BLUE, "size": 9},
        name="equal groups of courses, 95 % interval",
    )
    counts, _ = np.histogram(question.probability, bins=_BINS)
    figure.add_bar(
        x=(_BINS[:-1] + _BINS[1:]) / 2,
        y=counts / len(question.probability),
        marker={"color": GREY},
        hovertemplate="predicted %{x:.2f}: %{y:.0f} courses",
        name="courses",
        showlegend=False,
        row=2,
        col=1,
    )


def _add_buttons(figure: go.Figure, names: list[str], ends: list[int]) -> None:
    """Show the traces of one question at a time, and those before the first always."""
    places = np.arange(len(figure.data))
    shown = [
        ((places < ends[0]) | ((places >= start) & (places < end))).tolist()
        for start, end in pairwise(ends)
    ]
    buttons = [
        {"label": name, "method": "restyle", "args": [{"visible": visible}]}
        for name, visible in zip(names, shown, strict=True)
    ]
    for trace, visible in zip(figure.data, shown[-1], strict=True):
        trace.visible = visible
    menu = {"type": "buttons", "direction": "right", "x": 1, "xanchor": "right", "y": 1.12}
    figure.update_layout(updatemenus=[menu | {"buttons": buttons, "active": len(names) - 1}])
