"""Figures of what else decides about trust: decisions, sites, abstaining, the lost."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from kappredict.evaluation.across_sites import AcrossSites
from kappredict.evaluation.figures import BLUE, GREEN, GREY, ORANGE, PURPLE, finished
from kappredict.evaluation.trust import Trust

_LINES = (
    ("model", BLUE, "solid"),
    ("act on all", ORANGE, "dash"),
    ("act on none", GREY, "dot"),
    ("base rate", GREEN, "dashdot"),
)


def trust_figures(found: Trust, *, synthetic: bool) -> Mapping[str, go.Figure]:
    """Draw what there is to draw."""
    figures = {"net_benefit": net_benefit_figure(found.net_benefit, synthetic=synthetic)}
    if found.sites:
        figures["sites"] = sites_figure(found.sites[0], synthetic=synthetic)
    if len(found.abstaining):
        figures["abstaining"] = abstaining_figure(found.abstaining, synthetic=synthetic)
    if len(found.sensitivity):
        figures["lost"] = lost_figure(found.sensitivity, synthetic=synthetic)
    return figures


def net_benefit_figure(table: pd.DataFrame, *, synthetic: bool) -> go.Figure:
    """Draw net benefit by threshold: the model with its interval, and the simple choices."""
    figure = go.Figure()
    model = table[table["strategy"] == "model"]
    figure.add_scatter(
        x=[*model["threshold"], *model["threshold"][::-1]],
        y=[*model["high"], *model["low"][::-1]],
        fill="toself",
        line={"width": 0},
        fillcolor="rgba(0, 114, 178, 0.18)",
        name="95 % interval",
        hoverinfo="skip",
    )
    for strategy, colour, dash in _LINES:
        rows = table[table["strategy"] == strategy]
        line = {"color": colour, "dash": dash}
        figure.add_scatter(
            x=rows["threshold"], y=rows["value"], mode="lines", line=line, name=strategy
        )
    most = max(0.05, float(model["high"].max()))
    figure.update_yaxes(range=[-0.3 * most, 1.1 * most])
    axes = ("probability from which one acts", "net benefit")
    return finished(figure, "What acting on predictions gains", axes, synthetic=synthetic)


def sites_figure(sites: AcrossSites, *, synthetic: bool) -> go.Figure:
    """Draw each site's figure, their mean, and the range in which a new site's will lie."""
    table = sites.sites.sort_values("value")
    labels = [f"{row.site} (n {row.n})" for row in table.itertuples()]
    figure = go.Figure()
    figure.add_scatter(
        x=table["value"],
        y=labels,
        mode="markers",
        marker={"color": BLUE, "size": 8},
        error_x=_bars(table["value"], table["low"], table["high"]),
        name="site, 95 % interval",
    )
    for name, one, colour, symbol in (
        ("mean of sites", sites.mean, ORANGE, "diamond"),
        ("a new site (95 % prediction interval)", sites.new_site, PURPLE, "square"),
    ):
        figure.add_scatter(
            x=[one.value],
            y=[name],
            mode="markers",
            marker={"color": colour, "size": 10, "symbol": symbol},
            error_x={
                "type": "data",
                "array": [one.high - one.value],
                "arrayminus": [one.value - one.low],
            },
            name=name,
        )
    figure.update_yaxes(automargin=True)
    figure.update_layout(showlegend=False)
    drawn = finished(
        figure, "Does it work at every site?", (sites.figure.upper(), ""), synthetic=synthetic
    )
    return drawn.update_layout(height=200 + 24 * len(labels))


def abstaining_figure(table: pd.DataFrame, *, synthetic: bool) -> go.Figure:
    """Draw how well outcomes are told apart among the share answered with narrowest intervals."""
    rows = table[table["figure"] == "auc"]
    figure = go.Figure(
        go.Scatter(
            x=rows["share"],
            y=rows["value"],
            error_y=_bars(rows["value"], rows["low"], rows["high"]),
            mode="lines+markers",
            line={"color": BLUE},
            name="AUC",
        )
    )
    axes = ("share of courses answered, the surest first", "AUC among those answered")
    return finished(figure, "What answering only when sure gains", axes, synthetic=synthetic)


def lost_figure(table: pd.DataFrame, *, synthetic: bool) -> go.Figure:
    """Draw how far the lost could move the base rate."""
    rows = table[table["figure"] == "base_rate"]
    figure = go.Figure(
        go.Scatter(
            x=rows["value"],
            y=rows["assumption"],
            error_x=_bars(rows["value"], rows["low"], rows["high"]),
            mode="markers",
            marker={"color": BLUE, "size": 9},
        )
    )
    figure.update_yaxes(automargin=True, autorange="reversed")
    axes = ("share of courses with the outcome", "")
    return finished(figure, "How far those lost could move the rate", axes, synthetic=synthetic)


def _bars(value: pd.Series, low: pd.Series, high: pd.Series) -> dict[str, object]:
    return {"type": "data", "array": high - value, "arrayminus": value - low}
