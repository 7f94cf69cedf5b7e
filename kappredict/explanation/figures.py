"""Figures of what matters, each a function of one table of a model's explanation."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from kappredict.evaluation.figures import BLUE, GREEN, GREY, ORANGE, PURPLE, bars, finished
from kappredict.explanation.importance import PERMUTATION, REFIT, SHAP
from kappredict.explanation.model_level import ModelExplanation

_MOST = 15
_MEASURES = {
    SHAP: ("importance", "How far each fact moves predictions", "mean |SHAP|, percentage points"),
    PERMUTATION: (
        "importance_shuffled",
        "What is lost when a fact is shuffled",
        "loss of AUC on courses not seen",
    ),
    REFIT: (
        "importance_left_out",
        "What is lost when a model never had a fact",
        "loss of AUC on courses not seen",
    ),
}
_ACROSS = {"fold": "fold", "site": "site", "study": "study"}
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star", "hexagon")


def explanation_figures(found: ModelExplanation, *, synthetic: bool) -> dict[str, go.Figure]:
    """Draw everything there is to draw of a model's explanation."""
    measured = set(found.importance["measure"])
    figures = {
        name: importance_figure(found.importance, measure, synthetic=synthetic)
        for measure, (name, _, _) in _MEASURES.items()
        if measure in measured
    }
    for across in _ACROSS:
        parts = found.stability.loc[found.stability["across"] == across, "part"]
        if len(set(parts)) > 1:
            figure = stability_figure(found.stability, across, synthetic=synthetic)
            figures[f"stability_{across}"] = figure
    for number, feature in enumerate(found.dependence["feature"].unique()[:6], start=1):
        rows = found.dependence[found.dependence["feature"] == feature]
        figures[f"dependence_{number}"] = dependence_figure(rows, synthetic=synthetic)
    if len(found.interactions):
        figures["interactions"] = interactions_figure(found.interactions, synthetic=synthetic)
    return figures


def importance_figure(importance: pd.DataFrame, measure: str, *, synthetic: bool) -> go.Figure:
    """Draw one measure of importance with intervals, strongest on top, beside the noise floor.

    Filled circles lie above the noise, open ones do not.
    """
    _, title, axis = _MEASURES[measure]
    rows = importance[importance["measure"] == measure].sort_values("value").tail(_MOST)
    signal = rows["signal"].to_numpy(dtype=bool)
    figure = go.Figure()
    for side, name, symbol in (
        (signal, "more than noise", "circle"),
        (~signal, "not more than noise", "circle-open"),
    ):
        kept = rows[side]
        if kept.empty:
            continue
        figure.add_scatter(
            x=kept["value"],
            y=kept["group"],
            error_x=bars(kept["value"], kept["low"], kept["high"]),
            mode="markers",
            marker={"color": BLUE, "symbol": symbol, "size": 10},
            name=name,
        )
    figure.add_scatter(
        x=rows["noise"],
        y=rows["group"],
        mode="markers",
        marker={"color": ORANGE, "symbol": "line-ns-open", "size": 16},
        name="noise reaches this",
    )
    made = finished(figure, title, (f"{axis}, 95 % interval", ""), synthetic=synthetic)
    return _listed(made, rows["group"].tolist())


def stability_figure(stability: pd.DataFrame, across: str, *, synthetic: bool) -> go.Figure:
    """Draw the importance of the strongest groups within each fold, site or study."""
    rows = stability[stability["across"] == across]
    order = rows.groupby("group")["value"].mean().sort_values().tail(_MOST).index.tolist()
    figure = go.Figure()
    colours = (BLUE, ORANGE, GREEN, PURPLE)
    for number, part in enumerate(rows["part"].unique()):
        kept = rows[(rows["part"] == part) & rows["group"].isin(order)]
        figure.add_scatter(
            x=kept["value"],
            y=kept["group"],
            mode="markers",
            marker={
                "color": colours[number % len(colours)],
                "symbol": _SYMBOLS[number % len(_SYMBOLS)],
                "size": 9,
                "opacity": 0.8,
            },
            name=f"{_ACROSS[across]} {part}",
        )
    axes = ("mean |SHAP|, percentage points", "")
    title = f"Does the same matter in every {_ACROSS[across]}?"
    return _listed(finished(figure, title, axes, synthetic=synthetic), order)


def dependence_figure(rows: pd.DataFrame, *, synthetic: bool) -> go.Figure:
    """Draw the contribution at each value of one feature, with how many courses are there."""
    first = rows.iloc[0]
    figure = go.Figure()
    is_number = bool(rows["at"].notna().any())
    known = rows[rows["at"].notna()] if is_number else rows
    figure.add_bar(
        x=known["at"] if is_number else known["value"],
        y=known["n"],
        name="courses",
        yaxis="y2",
        marker_color=GREY,
        opacity=0.25,
    )
    figure.add_scatter(
        x=known["at"] if is_number else known["value"],
        y=known["points"],
        error_y=bars(known["points"], known["low"], known["high"]),
        mode="lines+markers" if is_number else "markers",
        marker={"color": BLUE, "size": 9},
        name="contribution",
    )
    missing = rows[rows["at"].isna()] if is_number else rows.head(0)
    for one in missing.itertuples():
        line = {"color": ORANGE, "dash": "dash"}
        text = f"{one.value}: {one.points:+.1f} ({one.n} courses)"
        figure.add_hline(y=one.points, line=line, annotation_text=text)
    figure.add_hline(y=0, line={"color": GREY, "width": 1})
    unit = f" ({first['unit']})" if first["unit"] else ""
    axes = (f"{first['label']}{unit}", "percentage points, 95 % interval")
    title = f"{first['label']}: what each value adds"
    made = finished(figure, title, axes, synthetic=synthetic)
    # Bars keep to the lower third, out of the curve's way.
    most = 3 * float(known["n"].max())
    density = {"overlaying": "y", "side": "right", "title": "courses", "range": [0, most]}
    return made.update_layout(yaxis2={**density, "showgrid": False})


def interactions_figure(interactions: pd.DataFrame, *, synthetic: bool) -> go.Figure:
    """Draw the pairs of facts that do more together than each alone."""
    rows = interactions[::-1]
    figure = go.Figure(
        go.Scatter(
            x=rows["strength"],
            y=rows["first"] + " × " + rows["second"],
            error_x=bars(rows["strength"], rows["low"], rows["high"]),
            mode="markers",
            marker={"color": BLUE, "size": 9},
            name="pair",
        )
    )
    axes = ("mean |SHAP interaction|, percentage points, 95 % interval", "")
    made = finished(figure, "Pairs of facts that work together", axes, synthetic=synthetic)
    return _listed(made, (rows["first"] + " × " + rows["second"]).tolist())


def _listed(figure: go.Figure, names: list[str]) -> go.Figure:
    """Give every name of a list a line of its own, the last on top."""
    order = {"categoryorder": "array", "categoryarray": names}
    figure.update_yaxes(**order, automargin=True, dtick=1)
    return figure.update_layout(height=max(300, 150 + 24 * len(names)))


def differences(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Lay importance of several models side by side, as shares of each model's whole.

    Parameters
    ----------
    tables
        Model → its importance table.

    Returns
    -------
    model, group, share (of the sum of mean |SHAP|, per cent), rank, signal.
    """
    parts = []
    for name, table in tables.items():
        rows = table[table["measure"] == SHAP]
        total = rows["value"].sum()
        share = 100 * rows["value"] / total
        parts.append(rows[["group", "rank", "signal"]].assign(model=name, share=share))
    return pd.concat(parts, ignore_index=True)[["model", "group", "share", "rank", "signal"]]


def comparison_figures(
    tables: Mapping[str, Mapping[str, pd.DataFrame]], *, synthetic: bool
) -> dict[str, go.Figure]:
    """Draw how importance differs between conditions and landmarks, a heat map per outcome.

    Parameters
    ----------
    tables
        Outcome → model, in words → its importance table.
    """
    return {
        outcome: _heat_map(differences(models), outcome, synthetic=synthetic)
        for outcome, models in tables.items()
        if len(models) > 1
    }


def _heat_map(rows: pd.DataFrame, outcome: str, *, synthetic: bool) -> go.Figure:
    wide = rows.pivot_table("share", "group", "model", sort=False)
    wide = wide.loc[wide.mean(axis=1).sort_values().tail(20).index]
    figure = go.Figure(
        go.Heatmap(
            z=wide.to_numpy(),
            x=wide.columns.tolist(),
            y=wide.index.tolist(),
            colorscale="Cividis",
            colorbar={"title": "% of all"},
            hovertemplate="%{y}, %{x}: %{z:.0f} %<extra></extra>",
        )
    )
    title = f"What matters for {outcome}, by condition"
    made = finished(figure, title, ("", ""), synthetic=synthetic)
    return _listed(made, wide.index.tolist()).update_xaxes(showgrid=False)
