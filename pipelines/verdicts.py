"""Shows what promoting, retraining and replaying gave, and gives a replay as JSON for machines."""

from typing import Any

from rich.markup import escape
from rich.table import Table

from kappredict.evaluation.report import plain
from pipelines.backtest import Backtest, Step
from pipelines.console import results
from pipelines.promote import Content
from pipelines.summary import Summary, data_words, figure_lines, headline, verdict_words
from pipelines.tables import interval


def show_verdict(verdict: Content) -> None:
    """Print a verdict: what was compared, with figures, and every reason against."""
    results.print(f"[bold]{verdict['task']}[/bold]: {verdict_words(verdict)}")
    results.print(escape(verdict["compared"]), highlight=False)
    for line in figure_lines(verdict):
        results.print(f"  {escape(line)}", highlight=False)
    for objection in verdict["objections"]:
        results.print(f"  against it: {escape(objection)}", highlight=False)


def show_summary(done: Summary) -> None:
    """Print a retraining: one row a task, and what it came to."""
    if done.verdicts:
        table = Table(title=f"Retraining of {escape(done.study)}")
        for heading in ("model", "data", "before", "challenger, champion, difference", "verdict"):
            table.add_column(heading, overflow="fold")
        for one in done.verdicts:
            why = "\n".join([verdict_words(one), *one["objections"]])
            before, now = data_words(one["data_before"]), data_words(one["data"])
            table.add_row(one["task"], now, before, "\n".join(figure_lines(one)), escape(why))
        results.print(table)
    for reason in done.not_modelled.values():
        results.print(reason, markup=False)
    results.print(headline(done), highlight=False)


def show_backtest(done: Backtest) -> None:
    """Print a replay: one row a retraining and task, and what each way to decide was worth."""
    mark = " – synthetic data" if done.synthetic else ""
    table = Table(title=f"Replay of {escape(done.study)}, with 95 % intervals{mark}")
    headings = ("date", "model", "known (events)", "next (events)", "AUC or C: challenger")
    for heading in (*headings, "champion", "verdict"):
        table.add_column(heading, overflow="fold")
    for one in done.steps:
        table.add_row(
            one.date,
            one.task,
            f"{one.n} ({one.events})",
            f"{one.later} ({one.later_events})",
            interval(one.challenger),
            interval(one.champion),
            escape(_verdict(one)),
        )
    results.print(table)
    for task, policies in done.policies.items():
        if all(one.value != one.value for one in policies.values()):  # NaN
            results.print(f"{task}: no model ever served, or too few courses came later")
            continue
        worth = "; ".join(f"{policy} {interval(one)}" for policy, one in policies.items())
        results.print(f"{task}, over all that came later: {worth}", highlight=False)
    for date, _, reason in done.not_modelled:
        results.print(f"{date}: {reason}", markup=False)


def backtest_json(done: Backtest) -> dict[str, Any]:
    """Give a replay as plain data."""
    return {
        "study": done.study,
        "synthetic": done.synthetic,
        "steps": [
            {
                "date": one.date,
                "task": one.task,
                "n": one.n,
                "events": one.events,
                "later": one.later,
                "later_events": one.later_events,
                "challenger": plain(one.challenger),
                "champion": plain(one.champion),
                "promoted": one.verdict.passed,
                "verdict": one.verdict.to_json(),
            }
            for one in done.steps
        ],
        "not_modelled": [
            dict(zip(("date", "task", "reason"), one, strict=True)) for one in done.not_modelled
        ],
        "policies": plain(done.policies),
    }


def _verdict(one: Step) -> str:
    if one.verdict.passed:
        return "promoted"
    first, *others = one.verdict.objections
    return f"refused: {first}{f' – and {len(others)} more' if others else ''}"
