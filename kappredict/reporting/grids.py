"""Tables of the page: what each says, laid out as a caption, column headings and rows of text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kappredict.evaluation.estimate import Estimate
from kappredict.reporting.findings import Findings
from kappredict.reporting.summary import (
    discrimination,
    does_it_work,
    figure_of,
    interval,
    scheme_words,
)

_WORDS = {
    "auc": "AUC",
    "c_index": "C-index",
    "brier": "Brier score",
    "integrated_brier": "integrated Brier score",
    "log_loss": "log loss",
    "calibration_slope": "calibration slope",
    "calibration_intercept": "calibration in the large",
    "calibration": "observed over expected",
    "slope": "slope",
    "intercept": "in the large",
    "ici": "mean error (ICI)",
    "e50": "median error (E50)",
    "e90": "90 % have less error than (E90)",
    "net_benefit": "net benefit",
    "shap": "mean |SHAP|, points",
    "permutation": "shuffled",
    "refit": "left out",
    "base_rate": "base rate",
    "labels": "labels alone",
    "ppv": "positive predictive value",
    "npv": "negative predictive value",
}
# A figure's numbers in words need not be all of them.
_MOST_ROWS = 40


@dataclass(frozen=True)
class Grid:
    """A table: the first cell of each row is its heading; cells of `prose` break into lines."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    prose: bool = False


def say(name: str) -> str:
    """Say the name of a figure or a column."""
    return _WORDS.get(name, name.replace("_", " "))


def models_grid(findings: Sequence[Findings]) -> Grid:
    """Put all models side by side: does it work, how well, on how many."""
    rows = tuple(
        (
            task_words(one),
            does_it_work(one).standing,
            interval(figure_of(one, "model", discrimination(one))),
            interval(figure_of(one, "labels", discrimination(one))),
            scheme_words(one.recipe.validation["headline"]),
            f"{one.recipe.validation['n']:,} ({one.recipe.validation['events']:,})",
        )
        for one in findings
    )
    columns = ("model", "works?", "AUC or C-index", "labels alone", "split", "courses (outcomes)")
    return Grid("All models under the hardest split the data allow; 95 % intervals", columns, rows)


def task_words(found: Findings) -> str:
    """Name a model's task."""
    recipe = found.recipe
    return f"{recipe.condition.label}: {recipe.outcome}, at {recipe.landmark.replace('_', ' ')}"


def performance_grid(found: Findings) -> Grid:
    """Give the overall figures of every scheme, and of each study left out."""
    table = found.tables["performance"]
    overall = table[(table["contender"] == "model") & table["horizon"].isna()]
    where = [
        f"{scheme_words(scheme)}{f': {study}' if study else ''}"
        for scheme, study in zip(overall["scheme"], overall["held_out"], strict=True)
    ]
    labelled = overall.assign(split=where)
    return spread(labelled, "Performance by split; 95 % intervals", ["split"], "figure")


def horizon_grid(found: Findings) -> Grid:
    """Give the figures of every horizon under every scheme; no rows for response."""
    table = found.tables["performance"]
    rows = table[
        (table["contender"] == "model") & table["horizon"].notna() & (table["held_out"] == "")
    ]
    labelled = rows.assign(
        split=rows["scheme"].map(scheme_words), day=rows["horizon"].map("{:g}".format)
    )
    return spread(labelled, "Relapse by day; 95 % intervals", ["split", "day"], "figure")


def spread(table: pd.DataFrame, caption: str, labels: Sequence[str], column: str) -> Grid:
    """Lay a long table of estimates out, a row per label and a column per `column`."""
    if table.empty:
        return Grid(caption, (), ())
    words = [
        interval(Estimate(*one))
        for one in zip(table["value"], table["low"], table["high"], strict=True)
    ]
    shown = table.assign(words=words)
    shown[list(labels)] = shown[list(labels)].astype("str")
    columns = [name for name in dict.fromkeys(shown[column]) if name]
    wide = shown.pivot_table("words", list(labels), column, aggfunc="first", sort=False)
    rows = wide.reindex(columns=columns).fillna("–").reset_index()
    return Grid(caption, (*map(say, labels), *map(say, columns)), _texts(rows))


def plain(table: pd.DataFrame, caption: str, names: Mapping[str, str] | None = None) -> Grid:
    """Show a table as it is, under its own headings or others."""
    renamed = table.rename(columns=dict(names or {}))
    return Grid(caption, tuple(map(say, renamed.columns)), _texts(renamed))


def figure_grid(content: Mapping[str, Any]) -> Grid:
    """Give the numbers of a plain figure: series, across, up; thinned where there are many."""
    series = content["data"]
    most = max(2, _MOST_ROWS // max(len(series), 1))
    rows: list[tuple[str, ...]] = []
    for number, one in enumerate(series, start=1):
        points = _points(one)
        places = np.linspace(0, len(points) - 1, min(len(points), most)).astype(int)
        name = str(one.get("name") or number)
        rows += [(name, *map(_text, points[place])) for place in places]
    layout = content["layout"]
    axes = [
        layout.get(axis, {}).get("title", {}).get("text") or plain
        for axis, plain in (("xaxis", "across"), ("yaxis", "up"))
    ]
    values = ("value",) if any("z" in one for one in series) else ()
    return Grid("The numbers of this figure", ("series", *axes, *values), tuple(rows))


def _points(series: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """List what a series draws: points, the cells of a heat map, or the shares of a histogram."""
    across, up = series.get("x") or (), series.get("y") or ()
    if "z" in series:
        cells = zip(up, series["z"], strict=True)
        return [
            (x, y, z)
            for y, line in cells
            for x, z in zip(across, line, strict=True)
            if z is not None
        ]
    if up:
        return list(zip(across, up, strict=False))
    bins = series["xbins"]
    edges = np.arange(bins["start"], bins["end"] + bins["size"] / 2, bins["size"])
    counts, _ = np.histogram(across, edges)
    return list(zip(edges[:-1].tolist(), (counts / max(counts.sum(), 1)).tolist(), strict=True))


def _texts(table: pd.DataFrame) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(_text(cell) for cell in row) for row in table.itertuples(index=False))


def _text(cell: object) -> str:
    if cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell)):
        return "–"
    if isinstance(cell, float):
        return f"{cell:.4g}"
    return str(cell)
