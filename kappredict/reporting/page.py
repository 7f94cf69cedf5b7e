"""The report: one HTML file that opens offline, the answer first, every model with its figures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
from jinja2 import Environment, FileSystemLoader, select_autoescape
from plotly.offline import get_plotlyjs

from kappredict.cohort.attrition import Attrition
from kappredict.estimators.bundle import ModelBundle
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.report import EvaluationReport

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=select_autoescape(default=True),
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Section:
    """One model in the report."""

    bundle: ModelBundle
    report: EvaluationReport
    attrition: Attrition
    figures: Mapping[str, go.Figure]


@dataclass(frozen=True)
class NotModelled:
    """One task that was refused, with what can be said all the same, in words."""

    task: str
    sentences: Sequence[str]


def write_report(
    path: Path, title: str, sections: Sequence[Section], refused: Sequence[NotModelled]
) -> None:
    """Write the report of a training as one HTML file; it fetches nothing when opened."""
    page = _TEMPLATES.get_template("page.html.j2").render(
        title=title,
        sections=sections,
        refused=refused,
        study=sections[0].bundle.recipe.study if sections else None,
        plotly=get_plotlyjs(),
        interval=_interval,
        verdict=verdict,
        figure=_figure,
        slug=_slug,
        table=_table,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def verdict(report: EvaluationReport) -> str:
    """Say in one sentence whether a model knows more than the labels and than chance."""
    figure = report.discrimination
    result = report.schemes[report.headline]
    model, labels = result.metrics[figure], result.baselines["labels"][figure]
    where = report.headline.replace("_", " ")
    if not model.low > 0.5:
        return f"No better than chance under {where}: {_interval(model)}."
    if model.low <= labels.value:
        return (
            f"Better than chance under {where} ({_interval(model)}), but not clearly better than "
            f"site, study and arm labels alone ({labels.value:.2f})."
        )
    return f"Tells outcomes apart under {where} better than chance and labels: {_interval(model)}."


def _interval(estimate: Estimate | None) -> str:
    if estimate is None or math.isnan(estimate.value):
        return "–"
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


def _table(long: pd.DataFrame, row: str, column: str) -> str:
    """Lay a long table of estimates out, a row per `row` and a column per `column`."""
    labels = [name for name in ("division", row, "n") if name in long]
    estimates = map(Estimate, long["value"], long["low"], long["high"])
    words = long.assign(estimate=[_interval(one) for one in estimates])
    columns = [name for name in dict.fromkeys(long[column]) if name]
    wide = words.pivot_table("estimate", labels, column, aggfunc="first", sort=False)
    shown = wide.reindex(columns=columns).fillna("–").reset_index()
    return str(shown.to_html(index=False, border=0, escape=True))


def _figure(figure: go.Figure) -> str:
    return str(
        figure.to_html(full_html=False, include_plotlyjs=False, config={"displaylogo": False})
    )


def _slug(text: str) -> str:
    return text.replace("/", "-")
