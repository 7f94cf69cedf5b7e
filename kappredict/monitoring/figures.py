"""Figures of monitoring: months across, what was found up, alarms marked."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.figures import BLUE, GREEN, GREY, ORANGE, PURPLE, bars, finished
from kappredict.evaluation.figures_calibration import calibration_figure
from kappredict.monitoring.checks import FALSE_ALARMS, SHARES
from kappredict.monitoring.looks import Look, Monitoring
from kappredict.monitoring.words import FAMILIES, worst

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, GREY, "#E69F00", "#56B4E9")
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star")
_MOST_INPUTS = 15
_SEED, _RESAMPLES = 1, 200
# What cannot be told from 0 on a logarithmic axis.
_SMALLEST = 1e-6


def monitoring_figures(done: Monitoring) -> dict[str, go.Figure]:
    """Draw what the looks found, as far as there is anything to draw."""
    synthetic = done.stream.bundle.recipe.study.synthetic
    looks = [one for one in done.looks if one.until is not None]
    figures: dict[str, go.Figure] = {}
    if looks and any(one.checks for one in looks):
        figures["alarms"] = _alarms(looks, synthetic=synthetic)
    known = [one for one in looks if np.isfinite(one.level.value)]
    if known:
        level, slope = [one.level for one in known], [one.slope for one in known]
        kept = {"synthetic": synthetic}
        figures["level"] = _over_time(known, level, done.validated.level, "in the large", **kept)
        figures["slope"] = _over_time(known, slope, done.validated.slope, "slope", **kept)
    if done.last.question is not None:
        figures["calibration"] = calibration_figure(
            {done.validated.question: done.last.question},
            seed=_SEED,
            resamples=_RESAMPLES,
            synthetic=synthetic,
        )
    if any(one.family == "inputs" for one in done.last.checks):
        figures["inputs"] = _inputs(done.last, synthetic=synthetic)
    return figures


def _alarms(looks: Sequence[Look], *, synthetic: bool) -> go.Figure:
    """Draw how surprising each family was, in parts of what it takes to alarm: above 1 it does."""
    figure = go.Figure()
    for family, colour, symbol in zip(SHARES, _COLOURS, _SYMBOLS, strict=True):
        found = [
            (str(look.until), SHARES[family] * FALSE_ALARMS / max(one.adjusted, _SMALLEST))
            for look in looks
            for one in worst(look)
            if one.family == family
        ]
        if found:
            months, height = zip(*found, strict=True)
            marker = {"color": colour, "symbol": symbol}
            figure.add_scatter(
                x=months, y=height, mode="lines+markers", marker=marker, name=FAMILIES[family]
            )
    figure.add_hline(y=1, line={"color": ORANGE, "dash": "dash"}, annotation_text="alarm")
    figure.update_yaxes(type="log")
    axes = ("end of month", "how surprising; above 1 is an alarm")
    return finished(figure, "What each monthly look found", axes, synthetic=synthetic)


def _over_time(
    looks: Sequence[Look], found: Sequence[Estimate], usual: Estimate, name: str, *, synthetic: bool
) -> go.Figure:
    values, low, high = ([getattr(one, end) for one in found] for end in ("value", "low", "high"))
    figure = go.Figure()
    figure.add_hrect(y0=usual.low, y1=usual.high, fillcolor=GREY, opacity=0.15, line_width=0)
    figure.add_hline(y=usual.value, line={"color": GREY, "dash": "dot"})
    figure.add_scatter(
        x=[str(one.until) for one in looks],
        y=values,
        error_y=bars(values, low, high),
        mode="lines+markers",
        marker={"color": BLUE},
        name="latest outcomes, 95 % interval",
    )
    axes = ("end of month", f"calibration {name}")
    title = f"Calibration {name}, month by month (grey: as validated)"
    return finished(figure, title, axes, synthetic=synthetic)


def _inputs(look: Look, *, synthetic: bool) -> go.Figure:
    """Draw the inputs that moved most, those that alarm in another colour."""
    every = [one for one in look.checks if one.family == "inputs"]
    most = sorted(every, key=lambda one: one.found)[-_MOST_INPUTS:]
    figure = go.Figure()
    figure.add_bar(
        x=[100 * one.found for one in most],
        y=[f"{one.what} (alarm)" if one.alarm else one.what for one in most],
        orientation="h",
        marker={"color": [ORANGE if one.alarm else BLUE for one in most]},
        name="inputs",
    )
    axes = ("patients in another range or level than in training, per cent", "")
    finished(figure, "Inputs that moved most", axes, synthetic=synthetic)
    return figure.update_layout(height=120 + 24 * len(most), showlegend=False)
