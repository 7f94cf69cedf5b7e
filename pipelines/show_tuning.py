"""Shows what a search found and what it is worth, on stdout, and gives it as JSON."""

from typing import Any

from rich.table import Table

from kappredict.estimators.candidates import Candidate
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.report import plain
from kappredict.tuning.nested import Found
from pipelines.console import results
from pipelines.tune import Tuning


def show_tuning(tuning: Tuning) -> None:
    """Print, per task, the settings as they were beside the search, and a verdict."""
    mark = " – synthetic data" if tuning.study.definition.synthetic else ""
    table = Table(title=f"On rows that no search saw, with 95 % intervals{mark}")
    for heading in ("task", "scheme", "figure", "settings as they were", "searched", "difference"):
        table.add_column(heading, overflow="fold")
    for found in tuning.found:
        for scheme, gain in found.gains.items():
            for figure in found.measures:
                parts = (gain.own[figure], gain.searched[figure], gain.gain[figure])
                table.add_row(found.task, scheme, figure, *map(_words, parts))
    results.print(table)
    for found in tuning.found:
        counts = found.trials[found.trials["search"] == "all"]["state"].value_counts()
        results.print(
            f"{found.task}: {counts.get('complete', 0)} trials complete, "
            f"{counts.get('pruned', 0)} given up early. Over all courses {_name(found.winner)} "
            f"wins of {len(found.finalists)} finalists. {verdict(found)}",
            markup=False,
            highlight=False,
        )


def verdict(found: Found) -> str:
    """Say whether the search is worth having, by the loss on rows that it did not see."""
    scheme, gain = next(iter(found.gains.items()))
    change = gain.gain[found.measures[1]]
    if change.high < 0:
        return f"The search pays: under {scheme} its loss is lower ({_words(change)})."
    if change.low > 0:
        return f"The search harms: under {scheme} its loss is higher ({_words(change)})."
    return (
        f"The search gains nothing that can be told from chance under {scheme} "
        f"({_words(change)}): the settings as they were do as well."
    )


def tuning_json(tuning: Tuning) -> dict[str, Any]:
    """Give what was found as plain data."""
    return {
        "tasks": [
            {
                "task": found.task,
                "synthetic": tuning.study.definition.synthetic,
                "winner": found.winner.model_dump(mode="json"),
                "finalists": [one.model_dump(mode="json") for one in found.finalists],
                "schemes": {name: plain(vars(gain)) for name, gain in found.gains.items()},
                "verdict": verdict(found),
            }
            for found in tuning.found
        ]
    }


def _words(estimate: Estimate) -> str:
    return f"{estimate.value:.4f} ({estimate.low:.4f} to {estimate.high:.4f})"


def _name(candidate: Candidate) -> str:
    settings = ", ".join(f"{name} {getattr(candidate, name):.4g}" for name in type(candidate).space)
    return f"{candidate.model} ({settings})"
