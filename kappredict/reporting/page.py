"""The report: one HTML file that opens offline, the answer first, every model with its figures."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, select_autoescape

from kappredict.explanation.figures import comparison_figures
from kappredict.reporting.embedding import packed_figures, packed_plotly
from kappredict.reporting.findings import Findings
from kappredict.reporting.grids import figure_grid, models_grid, task_words
from kappredict.reporting.parts import Drawing, Part, parts
from kappredict.reporting.summary import does_it_work, short_answers

_FOLDER = Path(__file__).with_name("templates")
_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=select_autoescape(default=True),
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class NotModelled:
    """One task that was refused, with what can be said all the same, in words."""

    task: str
    sentences: Sequence[str]


@dataclass(frozen=True)
class _Section:
    """One model on the page."""

    slug: str
    short: str
    heading: str
    short_answers: list[tuple[str, str]]
    parts: list[Part]


def write_page(path: Path, template: str, drawn: Iterable[Drawing], **content: Any) -> None:
    """Write a template as one HTML file that carries its style, its script and its drawings."""
    page = _TEMPLATES.get_template(template).render(
        **content,
        numbers=figure_grid,
        style=(_FOLDER / "style.css").read_text(encoding="utf-8"),
        script=(_FOLDER / "page.js").read_text(encoding="utf-8"),
        plotly=packed_plotly(),
        figures=packed_figures({one.name: one.content for one in drawn}),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def write_report(
    path: Path, title: str, findings: Sequence[Findings], refused: Sequence[NotModelled]
) -> None:
    """Write the report of some models of one study as one HTML file; it fetches nothing."""
    sections = [_section(one) for one in findings]
    comparison = _comparison(findings)
    grid = models_grid(findings)
    drawn = [
        *comparison,
        *(one for section in sections for part in section.parts for one in part.drawings),
    ]
    write_page(
        path,
        "page.html.j2",
        drawn,
        title=title,
        synthetic=any(one.recipe.study.synthetic for one in findings),
        overall=_overall(findings),
        models=grid,
        rows=list(zip(grid.rows, sections, strict=True)),
        comparison=comparison,
        refused=refused,
        sections=sections,
        contents=_contents(findings, sections),
    )


def _section(found: Findings) -> _Section:
    return _Section(
        slug=found.task.replace("/", "-"),
        short=f"{found.recipe.outcome}, {found.recipe.landmark.replace('_', ' ')}",
        heading=task_words(found),
        short_answers=short_answers(found),
        parts=parts(found),
    )


def _comparison(findings: Sequence[Findings]) -> list[Drawing]:
    """Draw what matters over all models of an outcome; nothing for one model alone."""
    tables: dict[str, dict[str, pd.DataFrame]] = {}
    for one in findings:
        recipe = one.recipe
        label = f"{recipe.condition.label}, {recipe.landmark.replace('_', ' ')}"
        tables.setdefault(recipe.outcome, {})[label] = one.tables["importance"]
    synthetic = any(one.recipe.study.synthetic for one in findings)
    figures = comparison_figures(tables, synthetic=synthetic)
    return [Drawing(f"comparison-{name}", figure) for name, figure in figures.items()]


def _overall(findings: Sequence[Findings]) -> list[str]:
    """Count how many models work, and name those that do."""
    if not findings:
        return ["No model could be made."]
    standings = {task_words(one): does_it_work(one).standing for one in findings}
    counts = Counter(standings.values())
    working = [name for name, standing in standings.items() if standing == "yes"]
    sentences = [
        f"Of {len(findings)} models, {counts['yes']} tell outcomes apart better than chance and "
        f"than site, study and arm labels alone under the hardest split; for {counts['unclear']} "
        f"that is not clear, and {counts['no']} do no better than chance."
    ]
    if working:
        sentences.append(f"Those that do: {'; '.join(working)}.")
    return sentences


def _contents(
    findings: Sequence[Findings], sections: Sequence[_Section]
) -> list[tuple[str, list[_Section]]]:
    pairs = zip(findings, sections, strict=True)
    return [
        (label, [section for _, section in group])
        for label, group in groupby(pairs, key=lambda pair: pair[0].recipe.condition.label)
    ]
