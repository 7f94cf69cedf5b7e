"""Definitions in words, for the pages that are generated from them."""

from kappredict.domain.base import Sourced
from kappredict.domain.conditions import Condition, Judged, Scale
from kappredict.domain.instruments import Instrument
from kappredict.domain.rules import (
    AllOf,
    AnyOf,
    AtLeast,
    AtMost,
    Below,
    Consecutive,
    EventInHistory,
    FallByFraction,
    FallByPoints,
    FallLostBelowFraction,
    RiseByPoints,
    Rule,
)
from kappredict.domain.windows import AssessmentWindow, Moment

_SIMPLE: dict[type, str] = {
    FallByFraction: "fell by at least {0.fraction:.0%} of baseline",
    FallByPoints: "fell by at least {0.points:g} points",
    FallLostBelowFraction: "the fall is now less than {0.fraction:.0%} of baseline",
    RiseByPoints: "rose by at least {0.points:g} points from its best",
    Below: "below {0.score:g}",
    AtMost: "{0.score:g} or less",
    AtLeast: "{0.score:g} or more",
}


def rule_in_words(rule: Rule) -> str:
    """Say a rule.

    >>> rule_in_words(Below(rule="below", score=5))
    'below 5'
    """
    match rule:
        case AnyOf() | AllOf():
            joint = " or " if isinstance(rule, AnyOf) else " and "
            return joint.join(rule_in_words(part) for part in rule.of)
        case Consecutive():
            return f"{rule_in_words(rule.of)}, at {rule.visits} visits in a row"
        case EventInHistory():
            return f"an event of the history: {', '.join(rule.codes)}"
        case _:
            return _SIMPLE[type(rule)].format(rule)


def provenance(part: Sourced) -> str:
    """Say how far something was checked, and where it is from."""
    words = [part.mark, ", ".join(f"[{key}]" for key in part.sources), part.note]
    return "; ".join(word for word in words if word)


def condition_page(condition: Condition, instruments: dict[str, Instrument]) -> list[str]:
    """Give the lines of a condition's section."""
    codes = condition.codes
    lines = [
        f"## {condition.label} (`{condition.id}`)\n",
        f"ICD-10 {', '.join(codes.icd10)} ({codes.icd10_status}); SNOMED CT {codes.snomed} "
        f"{codes.snomed_label} ({codes.snomed_status}).\n",
        "| scale | response | remission | relapse |",
        "|---|---|---|---|",
    ]
    lines += [_scale_row(scale, instruments) for scale in condition.scales]
    remission = condition.window_of("remission")
    lines += [
        "",
        f"- Baseline score: the last from day {condition.baseline_in.start_day:g} up to the first "
        f"dose. Response is judged {_window(condition.assessed_in)}; remission "
        f"{_window(remission)} ({provenance(condition.windows_source)}).",
        f"- Relapse: the clock starts with {condition.at_risk.clock_starts.replace('_', ' ')} and "
        f"runs {condition.at_risk.days:g} days; reported on days "
        f"{', '.join(f'{day:g}' for day in condition.at_risk.horizons)} "
        f"({provenance(condition.at_risk)}). Ended without a relapse by "
        f"{', '.join(one.label for one in condition.at_risk.competing) or 'nothing else'}.",
        "- Predictions: "
        + "; ".join(
            f"{name.replace('_', ' ')}, {_moment(moment)}"
            for name, moment in condition.landmarks.items()
        )
        + ".\n",
    ]
    return lines


def _scale_row(scale: Scale, instruments: dict[str, Instrument]) -> str:
    instrument = instruments[scale.instrument]
    name = f"{instrument.short_name}{', ' + scale.item.replace('_', ' ') if scale.item else ''}"
    cells = [_judged(one) for one in (scale.response, scale.remission, scale.relapse)]
    return f"| {name} | {' | '.join(cells)} |"


def _judged(judged: Judged) -> str:
    item = f"{judged.item.replace('_', ' ')} " if judged.item else ""
    return f"{item}{rule_in_words(judged.when)} *({provenance(judged)})*"


def _window(window: AssessmentWindow) -> str:
    anchor = {"index_day": "the first dose", "last_dose": "the last dose"}[window.anchor]
    words = f"{window.start_day:g} to {window.end_day:g} days after {anchor}, on "
    if window.judged_on == "last":
        return words + "the last score"
    return words + f"every score, with one in the last {window.closing_days:g} days"


def _moment(moment: Moment) -> str:
    anchors = {"index_day": "the first dose", "last_dose": "the last dose"}
    anchor = anchors.get(moment.anchor, f"dose {moment.dose} (or the last, if fewer)")
    return f"{moment.day:g} days after {anchor}" if moment.day else f"just before {anchor}"


def instrument_page(instrument: Instrument) -> list[str]:
    """Give the lines of an instrument's section."""
    lines = [
        f"## {instrument.name} (`{instrument.id}`)\n",
        f"{instrument.short_name}; {instrument.rater}; recall {instrument.recall}; total "
        f"{instrument.total.low:g} to {instrument.total.high:g} {instrument.unit}; "
        f"{instrument.direction.replace('_', ' ')}; {len(instrument.items)} items. Licence: "
        f"{instrument.licence}.\n",
        f"- Scoring: {instrument.scoring.method.replace('_', ' ')} "
        f"({provenance(instrument.scoring_source)}).",
    ]
    if instrument.bands:
        bands = ", ".join(f"{b.low:g}–{b.high:g} {b.label}" for b in instrument.bands.levels)
        lines.append(f"- Bands: {bands} ({provenance(instrument.bands)}).")
    lines += [
        f"- Cut-off {cut.score:g}: {cut.meaning} ({provenance(cut)})."
        for cut in instrument.cut_offs
    ]
    changes = {
        "Reliable change": instrument.reliable_change,
        "Smallest important change": instrument.important_change,
    }
    for name, change in changes.items():
        if change is not None:
            lines.append(f"- {name}: {change.points:g} points ({provenance(change)}).")
    loinc = instrument.loinc
    codes = [
        f"panel {loinc.panel}" if loinc.panel else "",
        f"total {loinc.total}" if loinc.total else "",
    ]
    lines.append(f"- LOINC: {', '.join(c for c in codes if c) or 'none'} ({loinc.status}).\n")
    return lines
