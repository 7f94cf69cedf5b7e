"""The summary of a retraining, on one page: per task what changed, by how much, and who serves."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from kappredict.evaluation.gate import WORDS
from pipelines.promote import Content

_HEAD = "| model | data | before | figures: challenger, champion, difference (95 %) | verdict |"


@dataclass(frozen=True)
class Summary:
    """What a retraining did: the verdict on each task, and which tasks were not modelled and why.

    `new` is false where all of it was done before; `exported` are the tasks whose bundle in the
    served folder was replaced just now.
    """

    key: str
    study: str
    new: bool
    verdicts: list[Content]
    not_modelled: dict[str, str]
    exported: list[str] = field(default_factory=list)

    @property
    def refused(self) -> list[str]:
        """The tasks whose challenger did not pass the gate."""
        return [one["task"] for one in self.verdicts if not one["passed"]]


def summary_page(done: Summary) -> str:
    """Give the page in Markdown."""
    return "\n".join(_lines(done)) + "\n"


def _lines(done: Summary) -> Iterator[str]:
    yield f"# Retraining of {done.study}\n"
    yield f"{headline(done)} Key {done.key}.\n"
    if done.verdicts:
        yield _HEAD
        yield "|---|---|---|---|---|"
    for one in done.verdicts:
        figures = "<br>".join(figure_lines(one)) or "none to compare"
        yield (
            f"| {one['task']} | {data_words(one['data'])} | {data_words(one['data_before'])} | "
            f"{figures} | {verdict_words(one)} |"
        )
    for one in done.verdicts:
        yield f"\n## {one['task']}\n"
        yield f"{one['compared']}\n"
        yield from (f"- {reason}" for reason in one["objections"])
    if done.not_modelled:
        yield "\n## Not modelled\n"
    yield from (f"- {reason}" for reason in done.not_modelled.values())


def headline(done: Summary) -> str:
    """Say in a sentence what a retraining came to."""
    passed = len(done.verdicts) - len(done.refused)
    words = "" if done.new else "Nothing new: the same data, definitions, settings and code. "
    return (
        f"{words}{passed} promoted, {len(done.refused)} refused, {len(done.not_modelled)} not "
        f"modelled; {len(done.exported)} bundles replaced in the served folder."
    )


def figure_lines(verdict: Content) -> list[str]:
    """Give a line for each figure that was compared."""
    return [
        f"{WORDS[name]} {_three(one['challenger'])}, {_three(one['champion'])}, "
        f"{_interval(one['difference'])}"
        for name, one in verdict["figures"].items()
        if one["difference"]["value"] is not None
    ]


def data_words(data: Content | None) -> str:
    """Say what a model was trained on."""
    if data is None:
        return "no champion"
    return f"{data['n']} courses, {data['events']} with the outcome ({data['digest'][:8]})"


def verdict_words(verdict: Content) -> str:
    """Say what the gate decided, and which version serves since."""
    if verdict["passed"]:
        return f"version {verdict['version']} promoted"
    serves = f"version {verdict['against']} serves on" if verdict["against"] else "none serves"
    return f"version {verdict['version']} refused; {serves}"


def _three(one: dict[str, float | None]) -> str:
    return "–" if one["value"] is None else f"{one['value']:.3f}"


def _interval(one: dict[str, float | None]) -> str:
    if one["low"] is None:
        return f"{one['value']:+.3f}"
    return f"{one['value']:+.3f} ({one['low']:+.3f} to {one['high']:+.3f})"
