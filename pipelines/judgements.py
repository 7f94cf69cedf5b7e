"""Shows what evaluating and comparing models gave, and gives it as JSON for machines."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.markup import escape
from rich.table import Table

from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.report import plain
from pipelines.compare import Comparison
from pipelines.console import results
from pipelines.evaluate import Evaluation
from pipelines.tables import interval

_WORDS = {
    "auc": "AUC",
    "c_index": "C (Uno)",
    "brier": "Brier score",
    "integrated_brier": "integrated Brier score",
    "log_loss": "log loss",
    "calibration": "observed / expected",
    "calibration_intercept": "calibration in the large",
    "calibration_slope": "calibration slope",
    "intercept": "calibration in the large",
    "slope": "calibration slope",
    "ici": "mean calibration error (ICI)",
    "e90": "90th percentile of calibration error (E90)",
}
_MOST_SHIFTS = 8


def show_evaluation(done: Evaluation) -> None:
    """Print the figures before and after recalibration, the case mix, and the verdict."""
    results.print(
        f"[bold]{done.task}[/bold] on {escape(done.study)}: {done.n} courses, {done.events} events"
    )
    table = Table(title="As it is, and recalibrated on other patients of the place")
    headings = ["figure", "as it is", *(way.replace("_", " ") for way in done.after)]
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for name in _flat(done.before):
        columns = (done.before, *done.after.values())
        table.add_row(_named(name), *(interval(_flat(one).get(name)) for one in columns))
    results.print(table)
    shifts = Table(title="What differs most from the training patients")
    for heading in ("feature", "difference (SD)", "known here", "known in training"):
        shifts.add_column(heading, overflow="fold")
    for one in done.case_mix.shifts[:_MOST_SHIFTS]:
        shifts.add_row(
            one.feature,
            f"{one.difference:+.2f}",
            f"{one.known:.0%}",
            f"{one.known_in_training:.0%}",
        )
    results.print(shifts)
    for sentence in done.verdict:
        results.print(sentence, highlight=False)


def show_comparison(done: Comparison, first: str, second: str) -> None:
    """Print both models' figures and their paired differences."""
    results.print(f"[bold]{done.task}[/bold]: {done.n} courses, {done.events} events")
    table = Table(title="On the same courses, with paired 95 % intervals")
    for heading in ("figure", escape(first), escape(second), "first minus second"):
        table.add_column(heading, overflow="fold")
    for name in _flat(done.difference):
        columns = (done.first, done.second, done.difference)
        table.add_row(_named(name), *(interval(_flat(one).get(name)) for one in columns))
    results.print(table)


def evaluation_json(done: Evaluation) -> dict[str, Any]:
    """Give an evaluation as plain data."""
    return {
        "task": done.task,
        "study": done.study,
        "n": done.n,
        "events": done.events,
        **plain(done.before),
        "recalibrated": plain(done.after),
        "case_mix": {
            "membership_auc": plain(done.case_mix.membership),
            "shifts": [plain(asdict(one)) for one in done.case_mix.shifts],
        },
        "verdict": done.verdict,
    }


def comparison_json(done: Comparison) -> dict[str, Any]:
    """Give a comparison as plain data."""
    return {
        "task": done.task,
        "n": done.n,
        "events": done.events,
        **{name: plain(getattr(done, name)) for name in ("first", "second", "difference")},
    }


def _flat(figures: Mapping[str, Any], before: str = "") -> dict[str, Estimate]:
    """List the estimates of nested figures by their path."""
    found: dict[str, Estimate] = {}
    for name, value in figures.items():
        if isinstance(value, Estimate):
            found[f"{before}{name}"] = value
        elif isinstance(value, Mapping):
            label = "" if name in {"horizons", "calibration_curve"} else _day(name)
            found |= _flat(value, f"{before}{label}")
    return found


def _day(name: str) -> str:
    return f"day {name} · " if name.isdigit() else f"{name} · "


def _named(path: str) -> str:
    *places, figure = path.split(" · ")
    return " · ".join([*places, _WORDS.get(figure, figure)])
