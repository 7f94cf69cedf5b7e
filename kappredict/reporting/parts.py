"""The parts of a model's section: a heading, a sentence, figures and tables, in reading order."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import plotly.graph_objects as go

from kappredict.config.wording import definition_lines
from kappredict.reporting.embedding import plain_figure
from kappredict.reporting.findings import Findings
from kappredict.reporting.grids import (
    Grid,
    horizon_grid,
    performance_grid,
    plain,
    spread,
)
from kappredict.reporting.record import make_record, read_about
from kappredict.reporting.summary import would_it_matter_elsewhere


@dataclass(frozen=True)
class Drawing:
    """A figure with the name it has on the page."""

    name: str
    figure: go.Figure

    @cached_property
    def content(self) -> dict[str, Any]:
        """Data and layout as plain values."""
        return plain_figure(self.figure)

    @property
    def title(self) -> str:
        """What it shows."""
        return str(self.figure.layout.title.text)


@dataclass(frozen=True)
class Part:
    """A part of a model's section; `folded` tables are opened by the reader."""

    heading: str
    text: str = ""
    drawings: tuple[Drawing, ...] = ()
    grids: tuple[Grid, ...] = ()
    folded: tuple[Grid, ...] = ()
    lines: tuple[str, ...] = ()


def parts(found: Findings) -> list[Part]:
    """Lay a model's findings out; a part without content is left out."""
    every = (
        _who(found),
        _how_well(found),
        _probabilities(found),
        _decisions(found),
        _groups(found),
        _what_matters(found),
        _lost(found),
        Part(
            "Definitions",
            "What counts, with its source and how far that was checked.",
            lines=tuple(definition_lines(found.recipe.condition, found.recipe.instruments)),
        ),
        Part("Software and data", lines=tuple(_software(found))),
        _record(found),
    )
    return [one for one in every if one.drawings or one.grids or one.folded or one.lines]


def _drawings(found: Findings, prefixes: Sequence[str]) -> tuple[Drawing, ...]:
    slug = found.task.replace("/", "-")
    return tuple(
        Drawing(f"{slug}-{name}", figure)
        for prefix in prefixes
        for name, figure in found.figures.items()
        if name.startswith(prefix)
    )


def _kept(*grids: Grid) -> tuple[Grid, ...]:
    return tuple(one for one in grids if one.rows)


def _table(
    found: Findings, name: str, caption: str, labels: Sequence[str], column: str = "figure"
) -> Grid:
    """Spread one of the findings' long tables; no rows where it was not measured."""
    table = found.tables.get(name)
    return Grid(caption, (), ()) if table is None else spread(table, caption, labels, column)


def _who(found: Findings) -> Part:
    return Part(
        "Who",
        "Every course that was left out, and why; who the others were.",
        _drawings(found, ("attrition",)),
        folded=_kept(
            plain(found.tables["attrition"], "Who was left out"),
            plain(
                found.tables["table_one"],
                "Table 1: mean (standard deviation) of numbers, count (per cent) of the rest",
            ),
        ),
    )


def _how_well(found: Findings) -> Part:
    return Part(
        "How well outcomes are told apart",
        "0.5 is chance, 1 is perfect. The hardest split counts: a figure under random splits alone "
        "says little about the next clinic.",
        _drawings(found, ("forest", "relapse_curves", "roc", "distribution")),
        _kept(performance_grid(found)),
        _kept(horizon_grid(found)),
    )


def _probabilities(found: Findings) -> Part:
    return Part(
        "Whether the probabilities are right",
        "Of those given 60 %, do about 60 in 100 have the outcome? On the diagonal they do.",
        _drawings(found, ("calibration", "abstaining")),
        _kept(_table(found, "calibration", "Calibration", ["question"])),
        _kept(_table(found, "by_width", "By thirds of the interval's width", ["group", "n"])),
    )


def _decisions(found: Findings) -> Part:
    return Part(
        "What acting on it would do",
        "Net benefit weighs those rightly chosen against those wrongly chosen; acting on all, or "
        "on none, is the alternative that a model has to beat.",
        _drawings(found, ("net_benefit", "decision")),
        folded=_kept(_table(found, "thresholds", "Acting from a probability on", ["threshold"])),
    )


def _groups(found: Findings) -> Part:
    return Part(
        "For whom",
        "Groups too small to judge show their size only.",
        _drawings(found, ("sites",)),
        folded=_kept(
            _table(found, "subgroups", "By group", ["division", "group", "n"]),
            _table(found, "sites", "By site", ["site", "n"]),
        ),
    )


def _what_matters(found: Findings) -> Part:
    return Part(
        "What matters",
        "Three ways to ask: how far a fact moves predictions (mean |SHAP|, in points of "
        "probability), what is lost when it is shuffled, what is lost when the model is fitted "
        f"without it. They are associations, not effects. {would_it_matter_elsewhere(found)}",
        _drawings(found, ("importance", "stability", "dependence", "interactions")),
        folded=_kept(
            _table(found, "importance", "Importance, three ways", ["group"], "measure"),
            plain(
                found.tables["interactions"].rename(columns={"strength": "points"}),
                "Pairs of facts that do more together than each alone, percentage points",
            ),
        ),
    )


def _lost(found: Findings) -> Part:
    return Part(
        "Those lost",
        "Whose outcome is not known, how they differ, and how far they could change the result.",
        _drawings(found, ("differences", "lost")),
        folded=_kept(
            _table(
                found, "sensitivity", "What if those lost had responded less often?", ["assumption"]
            ),
            _table(
                found,
                "differences",
                "How those assessed differ from all, in standard deviations",
                ["feature"],
                "who",
            ),
        ),
    )


def _record(found: Findings) -> Part:
    record = make_record(found, read_about())
    return Part(
        "Record",
        "Every item of the reporting checklists, answered from the run; what a run cannot know is "
        "not available here, and comes from a deployment's own `about.yaml`.",
        folded=tuple(
            Grid(
                framework,
                ("item", "asks", "answer"),
                tuple((one.id, one.asks, one.answer) for one in record.of(framework)),
                prose=True,
            )
            for framework in record.frameworks
        ),
    )


def _software(found: Findings) -> list[str]:
    recipe = found.recipe
    made = recipe.provenance
    settings = ", ".join(f"{name} {value}" for name, value in made.candidate.items())
    return [
        f"Study: {recipe.study.label}{' (synthetic)' if recipe.study.synthetic else ''}; data "
        f"digest {made.data_digest[:16]}.",
        f"Model kept: {settings}. Bundle digest {found.digest[:16]}.",
        f"kappredict {made.version}, code {made.code}.",
        *(f"Beware: {one}" for one in recipe.validation["warnings"]),
        *(f"{name} was not run: {why}." for name, why in recipe.validation["not_run"].items()),
    ]
