"""Results: the page of results on real studies, written from what `kappredict train --json` gave.

`python -m pipelines.results build/ctn0094.json … > docs/results.md`
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_HEAD = """# Results on real studies

Written by `python -m pipelines.results`, from the files that `kappredict train … --json FILE`
wrote with the `default` settings; nothing is edited by hand. Each line stands beside what site,
study and arm labels alone reach; 95 % intervals, by a bootstrap over patients.
"""


def page(files: list[Path]) -> str:
    """Give the page of results of some trainings, one section for each file."""
    sections = [_HEAD]
    for path in files:
        content = json.loads(path.read_text(encoding="utf-8"))
        sections.append("\n".join(_section(path.stem, content)))
    return "\n".join(sections) + "\n"


def _section(name: str, content: dict[str, Any]) -> Iterator[str]:
    yield f"\n## {name}\n"
    if content["models"]:
        yield "| model | n (events) | kept | scheme | AUC or C | labels | Brier | base rate |"
        yield "|---|---|---|---|---|---|---|---|"
    for model in content["models"]:
        yield from _model_rows(model)
    yield from _trust_rows(content["models"])
    yield ""
    yield from (f"- {_task(model)}: {model['verdict']}" for model in content["models"])
    for model in content["models"]:
        yield from _horizon_rows(model)
        yield from _held_out(model)
        yield from (f"\n> {_task(model)}: {warning}" for warning in model["warnings"])
    for refused in content["refused"]:
        yield f"\n**{refused['task']}** was not modelled: {refused['reason']}\n"
        for rate in refused["rates"]:
            share = _interval(rate | {"value": rate["value"]})
            yield f"- {rate['label']}: {rate['events']} of {rate['n']}, {share}"
        for pair in refused["paired_differences"]:
            yield (
                f"- change in score, {pair['first']} minus {pair['second']}, within "
                f"{pair['patients']} patients: {_interval(pair, 1)} points"
            )


def _task(model: dict[str, Any]) -> str:
    return f"{model['condition']}/{model['outcome']}/{model['landmark']}"


def _model_rows(model: dict[str, Any]) -> Iterator[str]:
    for scheme, figures in model["schemes"].items():
        name, error = ("c_index", "integrated_brier") if "c_index" in figures else ("auc", "brier")
        beside = model["baselines"][scheme]
        yield (
            f"| {_task(model)} | {figures['n']} ({figures['events']}) | {model['estimator']} | "
            f"{scheme} | {_interval(figures[name])} | {_interval(beside['labels'][name])} | "
            f"{_interval(figures[error])} | {_interval(beside['base_rate'][error])} |"
        )


def _horizon_rows(model: dict[str, Any]) -> Iterator[str]:
    """Give the AUC at the last horizon that was reached, scheme by scheme."""
    if not any("horizons" in figures for figures in model["schemes"].values()):
        return
    yield f"\n{_task(model)}, at each horizon:\n"
    yield "| scheme | day | AUC | labels alone | Brier | observed over expected |"
    yield "|---|---|---|---|---|---|"
    for scheme, figures in model["schemes"].items():
        for day, one in figures["horizons"].items():
            labels = model["baselines"][scheme]["labels"]["horizons"][day]
            yield (
                f"| {scheme} | {day} | {_interval(one['auc'])} | {_interval(labels['auc'])} | "
                f"{_interval(one['brier'])} | {_interval(one['calibration'])} |"
            )


def _trust_rows(models: list[dict[str, Any]]) -> Iterator[str]:
    """Give calibration, sites, net benefit and the size of the sample, under the hardest split."""
    judged = [model for model in models if model["trust"]]
    if not judged:
        return
    yield "\nBeyond ranking, under the hardest split:\n"
    yield (
        "| model | about | in the large | slope | ICI | AUC at a new site | worst group's AUC | "
        "observed / expected: narrow, middling, wide intervals | parameters |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for model in judged:
        trust = model["trust"]
        curve = trust["calibration"][trust["question"]]
        site = _interval(trust["sites"][0]["new_site"]) if trust["sites"] else "–"
        yield (
            f"| {_task(model)} | {model['headline']}, {trust['question']} | "
            f"{_interval(curve['intercept'])} | {_interval(curve['slope'])} | "
            f"{_interval(curve['ici'])} | {site} | {_worst(trust['worst_group'])} | "
            f"{_by_width(trust['by_width'])} | {trust['sample']['parameters']} |"
        )


def _worst(group: dict[str, Any] | None) -> str:
    return f"{group['auc']:.2f} ({group['division']} {group['group']})" if group else "–"


def _by_width(rows: list[dict[str, Any]]) -> str:
    shown = [_interval(row) for row in rows if row["figure"] == "observed / expected"]
    return ", ".join(shown) or "–"


def _held_out(model: dict[str, Any]) -> Iterator[str]:
    for figures in model["schemes"].values():
        for study, one in figures.get("held_out", {}).items():
            name = "c_index" if "c_index" in one else "auc"
            horizons = [
                f"AUC on day {day} {_interval(figure['auc'])}"
                for day, figure in one.get("horizons", {}).items()
            ]
            words = "; ".join([f"{name} {_interval(one[name])}", *horizons])
            yield f"\n{_task(model)}, {study} left out: {words}"


def _interval(estimate: dict[str, Any], digits: int = 2) -> str:
    if estimate["value"] is None:
        return "–"
    value = f"{estimate['value']:.{digits}f}"
    if estimate["low"] is None:
        return value
    return f"{value} ({estimate['low']:.{digits}f} to {estimate['high']:.{digits}f})"


if __name__ == "__main__":
    sys.stdout.write(page([Path(name) for name in sys.argv[1:]]))
