"""Figures of who was left out: the flow from all courses to those assessed, and what it changed."""

import pandas as pd
import plotly.graph_objects as go

from kappredict.cohort.attrition import Attrition
from kappredict.evaluation.attrition_flow import ASSESSED, WEIGHTED
from kappredict.evaluation.figures import BLUE, GREY, ORANGE, bars, finished

_SIDES = ((ASSESSED, ORANGE, "diamond"), (WEIGHTED, BLUE, "circle"))


def attrition_figure(attrition: Attrition, *, synthetic: bool) -> go.Figure:
    """Draw how many courses each criterion left, from all of them to those used."""
    table = attrition.table()
    figure = go.Figure(
        go.Funnel(
            x=table["remaining"],
            y=table["criterion"],
            customdata=table["left_out"],
            textinfo="value+percent initial",
            hovertemplate="%{y}: %{x} remain, %{customdata} left out<extra></extra>",
            marker={"color": BLUE},
        )
    )
    figure.update_yaxes(automargin=True)
    return finished(figure, "Who was left out", ("", ""), synthetic=synthetic)


def differences_figure(table: pd.DataFrame, *, most: int = 12, synthetic: bool) -> go.Figure:
    """Draw how those assessed differ from all courses, as they are and weighted, most on top.

    Parameters
    ----------
    table
        From `differences_from_everyone`.
    """
    shown = table["feature"].drop_duplicates().head(most)
    figure = go.Figure()
    for who, colour, symbol in _SIDES:
        rows = table[(table["who"] == who) & table["feature"].isin(shown)]
        figure.add_scatter(
            x=rows["value"],
            y=rows["feature"],
            error_x=bars(rows["value"], rows["low"], rows["high"]),
            orientation="h",
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 9},
            name=who,
        )
    figure.add_vline(x=0, line={"color": GREY, "dash": "dot"})
    figure.update_layout(scattermode="group")
    figure.update_yaxes(automargin=True, autorange="reversed")
    axes = ("difference from all courses, in standard deviations, 95 % interval", "")
    title = "How those assessed differ from all"
    return finished(figure, title, axes, synthetic=synthetic)
