"""The cards of CDS Hooks: one a condition, and a separate one for urgent safety flags."""

import textwrap
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from kappredict import __version__
from kappredict.domain.terminology import OWN
from kappredict.serving.answers import CAVEAT, OutcomeAnswer, RecordAnswer
from kappredict.serving.safety import raised
from kappredict.serving.shelf import Shelf

_LONGEST_SUMMARY = 139  # the specification: less than 140
OVERRIDES = {
    "not-representative": "My patient differs from the people the model was made from",
    "inputs-wrong": "What it was told is wrong or out of date",
    "no-influence": "It does not change what I would do",
}


def prediction_cards(
    found: RecordAnswer, shelf: Shelf, lacking: Sequence[str], url: str
) -> dict[str, dict[str, Any]]:
    """Give a card for each condition. A prognosis is no alarm: the indicator is always `info`.

    Parameters
    ----------
    lacking
        What could not be had, in sentences.
    """
    grouped: dict[str, list[OutcomeAnswer]] = {}
    for one in found.answers:
        grouped.setdefault(one.condition, []).append(one)
    labels = {
        name: models[0].bundle.recipe.condition.label for name, models in shelf.by_condition.items()
    }
    return {
        name: _card(_summary(labels[name], answers), "info", _detail(answers, lacking), url)
        for name, answers in grouped.items()
    }


def safety_card(record: Mapping[str, Any], url: str) -> dict[str, dict[str, Any]]:
    """Give a warning of the urgent safety flags (`configs/safety.yaml`) that a record raises.

    It is a rule, says so, and shows no value.
    """
    urgent = [one for one in raised(record) if one.urgent]
    if not urgent:
        return {}
    named = "; ".join(f"{one.label}: {one.text}" for one in urgent)
    detail = "\n".join(f"- **{one.label}**: {one.text}" for one in urgent)
    rule = "This card follows from a rule alone: no model made it, and no prediction knows of it."
    summary = f"Rule, no prediction: {named}"
    return {"safety": _card(summary, "warning", f"{detail}\n\n{rule}", url)}


def _card(summary: str, indicator: str, detail: str, url: str) -> dict[str, Any]:
    return {
        "uuid": str(uuid.uuid4()),
        "summary": textwrap.shorten(summary, _LONGEST_SUMMARY, placeholder=" …"),
        "indicator": indicator,
        "source": {
            "label": f"kappredict {__version__}",
            "url": url,
            "topic": {"system": f"{OWN}/CodeSystem/topic", "code": "outlook", "display": "Outlook"},
        },
        "detail": detail,
        "overrideReasons": [
            {"system": f"{OWN}/CodeSystem/override", "code": code, "display": display}
            for code, display in OVERRIDES.items()
        ],
        "links": [{"label": "Open kappredict", "url": url, "type": "absolute"}],
    }


def _summary(label: str, answers: Sequence[OutcomeAnswer]) -> str:
    """Say it all in a line; the synthetic mark comes first, where no shortening reaches it."""
    synthetic = "SYNTHETIC. " if any(one.synthetic for one in answers) else ""
    said = "; ".join(_short(one) for one in answers if one.natural_frequency)
    return f"{synthetic}{label}: {f'of 100 like this, {said}' if said else 'no prediction'}"


def _short(one: OutcomeAnswer) -> str:
    number = one.natural_frequency.number if one.natural_frequency else 0
    if one.curve:
        return f"{number} stay well {one.curve[-1].day:g} days"
    return f"{number} {'respond' if one.outcome == 'response' else 'remit'}"


def _detail(answers: Sequence[OutcomeAnswer], lacking: Sequence[str]) -> str:
    lines = ["| Outcome | Of 100 | Nine of ten cases | Usual |", "|---|---|---|---|"]
    for one in answers:
        if one.probability is None or one.interval is None or one.base_rate is None:
            lines.append(f"| {one.outcome} | no prediction | {one.no_prediction} | |")
            continue
        span = f"{one.interval.low * 100:.0f} to {one.interval.high * 100:.0f}"
        name = f"staying well {one.curve[-1].day:g} days" if one.curve else one.outcome
        shown = f"{one.probability * 100:.0f} | {span} | {one.base_rate * 100:.0f}"
        lines.append(f"| {name} | {shown} |")
    reasons = [f"- {one.outcome}: {said.sentence}" for one in answers for said in one.reasons[:3]]
    warnings = [f"- {one.outcome}: {said}" for one in answers for said in one.warnings]
    missing = [f"- {said}" for said in lacking]
    return "\n".join([*lines, "", *reasons, *warnings, *missing, "", CAVEAT])
