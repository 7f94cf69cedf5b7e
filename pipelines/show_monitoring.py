"""Shows what monitoring found, and gives it as JSON for machines."""

from dataclasses import asdict
from typing import Any

from rich.table import Table

from kappredict.evaluation.report import plain
from kappredict.monitoring.looks import Look, Monitoring, site_table
from kappredict.monitoring.words import FAMILIES, promise, verdict, worst
from pipelines.console import results
from pipelines.tables import interval


def show_monitoring(done: Monitoring) -> None:
    """Print the last look: the most surprising check of each family, calibration, the verdict."""
    look = done.last
    until = f" to {look.until}" if look.until else ""
    table = Table(title=f"{done.stream.bundle.task.name}: the last look{until}")
    for heading in ("checked", "alarm?", "most surprising", "found", "usual", "patients", "p"):
        table.add_column(heading, overflow="fold")
    for one in worst(look):
        figures = (f"{one.found:.3g}", f"{one.usual:.3g}", f"{one.n:,}", f"{one.adjusted:.3g}")
        said = "[red]alarm[/red]" if one.alarm else "no"
        table.add_row(FAMILIES[one.family], said, one.what, *figures)
    if table.row_count:
        results.print(table)
    results.print(
        f"{look.asked:,} patients asked about, {look.answered:,} given a number; outcomes: "
        f"{look.known:,} known of {look.due:,} due, {look.waiting:,} not due yet; level "
        f"{interval(look.level)}, slope {interval(look.slope)}. {promise()}",
        highlight=False,
    )
    for sentence in verdict(done):
        results.print(sentence, highlight=False, markup=False)


def monitoring_json(done: Monitoring) -> dict[str, Any]:
    """Give all looks as plain data; sites for the last."""
    return {
        "task": done.stream.bundle.task.name,
        "question": done.validated.question,
        "validated": plain({"level": done.validated.level, "slope": done.validated.slope}),
        "unmatched": done.stream.unmatched,
        "looks": [_look(one) for one in done.looks],
        "sites": [plain(row) for row in site_table(done.last).to_dict("records")],
        "alarm": bool(done.last.alarms),
        "verdict": verdict(done),
    }


def _look(look: Look) -> dict[str, Any]:
    return {
        "until": str(look.until) if look.until else None,
        **{name: getattr(look, name) for name in ("asked", "answered", "due", "known", "waiting")},
        "level": plain(look.level),
        "slope": plain(look.slope),
        "checks": [plain(asdict(one)) for one in look.checks],
    }
