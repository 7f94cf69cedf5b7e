"""The monitoring page: one HTML file that opens offline, alarms first."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from kappredict.evaluation.estimate import Estimate
from kappredict.monitoring.checks import Family
from kappredict.monitoring.figures import monitoring_figures
from kappredict.monitoring.looks import Monitoring, site_table, sites_together
from kappredict.monitoring.words import FAMILIES, promise, verdict, worst
from kappredict.reporting.grids import Grid, plain
from kappredict.reporting.page import write_page
from kappredict.reporting.parts import Drawing, Part
from kappredict.reporting.summary import interval

_SEED, _RESAMPLES = 1, 200


def write_monitoring(path: Path, done: Monitoring) -> None:
    """Write what monitoring found as one HTML file; it fetches nothing."""
    recipe = done.stream.bundle.recipe
    every = _parts(done)
    drawn = [one for part in every for one in part.drawings]
    write_page(
        path,
        "monitoring.html.j2",
        drawn,
        title=f"Monitoring {done.stream.bundle.task.name}",
        synthetic=recipe.study.synthetic,
        promise=promise(),
        verdict=verdict(done),
        parts=every,
    )


def _parts(done: Monitoring) -> list[Part]:
    """Lay everything out; a part without content is left out."""
    figures = monitoring_figures(done)
    every = (
        Part(
            "What was checked",
            "p is the chance of a difference as large without drift, adjusted within the family.",
            _drawings(figures, "alarms"),
            (_families(done), _counts(done)),
        ),
        Part(
            "What the model is asked",
            "Against all training patients. Moved: how many patients have another range or level.",
            _drawings(figures, "inputs"),
            folded=_kept(_checks(done, "inputs"), _checks(done, "predictions")),
        ),
        Part(
            "Whether outcomes bear it out",
            "Outcomes count once their window is over; those known stand for those lost.",
            _drawings(figures, "calibration", "level", "slope"),
            folded=_kept(_checks(done, "net_benefit")),
        ),
        Part(
            "By site",
            "A site alarms if it is farther off than sites were from one another in validation.",
            grids=_kept(_sites(done), _together(done)),
        ),
    )
    return [one for one in every if one.drawings or one.grids or one.folded]


def _drawings(figures: Mapping[str, go.Figure], *names: str) -> tuple[Drawing, ...]:
    return tuple(Drawing(name, figures[name]) for name in names if name in figures)


def _kept(*grids: Grid) -> tuple[Grid, ...]:
    return tuple(one for one in grids if one.rows)


def _families(done: Monitoring) -> Grid:
    rows = tuple(
        (FAMILIES[one.family], "alarm" if one.alarm else "no", one.what, f"{one.found:.3g}",
         f"{one.usual:.3g}", f"{one.n:,}", f"{one.adjusted:.3g}")
        for one in worst(done.last)
    )  # fmt: skip
    columns = ("checked", "alarm?", "most surprising", "found", "usual", "patients", "p")
    return Grid(f"The last look{_until(done)}", columns, rows)


def _counts(done: Monitoring) -> Grid:
    look = done.last
    rows = (
        ("asked about", f"{look.asked:,}"),
        ("given a number", f"{look.answered:,}"),
        ("outcome due", f"{look.due:,}"),
        ("of them known", f"{look.known:,}"),
        ("not due yet", f"{look.waiting:,}"),
        ("calibration in the large", interval(look.level)),
        ("calibration slope", interval(look.slope)),
    )
    return Grid("Patients of the last look; 95 % intervals", ("", ""), rows)


def _checks(done: Monitoring, family: Family) -> Grid:
    own = sorted((one for one in done.last.checks if one.family == family), key=lambda one: one.p)
    rows = tuple(
        (one.what, f"{one.found:.3g}", f"{one.usual:.3g}", f"{one.p:.3g}", f"{one.adjusted:.3g}")
        for one in own
    )
    found = "moved" if family in {"inputs", "predictions"} else "found"
    columns = ("checked", found, "usual", "p", "p, adjusted")
    return Grid(FAMILIES[family].capitalize(), columns, rows)


def _sites(done: Monitoring) -> Grid:
    table = site_table(done.last)
    adjusted = {one.what: one.adjusted for one in done.last.checks if one.family == "sites"}
    level = [
        interval(Estimate(*one))
        for one in zip(table["level"], table["low"], table["high"], strict=True)
    ]
    shown = pd.DataFrame(
        {
            "site": table["site"],
            "outcomes": table["n"],
            "predicted": table["predicted"],
            "observed": table["observed"],
            "level": level,
            "p, adjusted": [adjusted.get(site, np.nan) for site in table["site"]],
            "net benefit gained": table["gain"],
        }
    )
    return plain(shown, "Sites among the latest outcomes")


def _together(done: Monitoring) -> Grid:
    rows = tuple(
        (
            one.figure.replace("_", " "),
            interval(one.mean),
            interval(one.new_site),
            f"{one.between:.2f}",
        )
        for one in sites_together(done.last, seed=_SEED, resamples=_RESAMPLES)
    )
    columns = ("figure", "mean", "at a further site", "standard deviation between sites")
    return Grid("All sites, by random effects", columns, rows)


def _until(done: Monitoring) -> str:
    return f", to {done.last.until}" if done.last.until else ""
