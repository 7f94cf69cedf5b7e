"""Definitions in words, for the pages that are generated from them."""

from collections.abc import Mapping

from kappredict.domain.base import Source, Sourced
from kappredict.domain.conditions import LANDMARKS, OUTCOMES, Condition, Judged, Outcome, Scale
from kappredict.domain.instruments import Band, Instrument, Mean, Scoring, Sum, SumOfMaxima
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
from kappredict.domain.safety import PlannedAs, RaisedBy, ScoreAbove
from kappredict.domain.task import tasks_of
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
_STARTS = {"response": "the visit at which response was seen", "index_day": "the first dose"}
_SCORING = {
    "sum": "the sum of the items",
    "mean": "the mean of the answered items",
    "sum_of_maxima": "the sum of each domain's highest item",
    "any_positive": "1 if any item is positive, 0 if all were tested and none is",
    "highest_positive": "the number of the last item answered yes",
    "as_recorded": "no total is made from items",
}


def rule_in_words(rule: Rule) -> str:
    """Say a rule.

    >>> rule_in_words(Below(rule="below", score=5))
    'below 5'
    """
    match rule:
        case AnyOf():
            return "; or ".join(rule_in_words(part) for part in rule.of)
        case AllOf():
            return " and ".join(rule_in_words(part) for part in rule.of)
        case Consecutive():
            return f"{rule_in_words(rule.of)}, at {rule.visits} visits in a row"
        case EventInHistory():
            return f"an event of the history: {', '.join(map(_plain, rule.codes))}"
        case _:
            return _SIMPLE[type(rule)].format(rule)


def provenance(part: Sourced) -> str:
    """Say how far something was checked, and where it is from."""
    words = [part.mark, ", ".join(f"[{key}]" for key in part.sources), part.note]
    return "; ".join(word for word in words if word)


def raised_in_words(raised: RaisedBy, instruments: Mapping[str, Instrument]) -> str:
    """Say what brings a safety flag up."""
    match raised:
        case ScoreAbove():
            item = f" item {_plain(raised.item)}" if raised.item else ""
            return f"{instruments[raised.instrument].short_name}{item} above {raised.above:g}"
        case PlannedAs():
            return f"{_plain(raised.column)}: {' or '.join(raised.levels)}"


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
    lines += ["", *_windows(condition), *_clock(condition), *_predictions(condition)]
    if condition.note:
        lines.append(f"- Note: {condition.note}.")
    return [*lines, ""]


def definition_lines(condition: Condition, instruments: Mapping[str, Instrument]) -> list[str]:
    """Say a condition's definitions in plain lines: each scale's rules, the windows, the clock."""
    scales = [
        f"{_scale_name(scale, instruments)}: {outcome} is: {rule_in_words(judged.when)} "
        f"({provenance(judged)})."
        for scale in condition.scales
        for outcome, judged in (
            ("response", scale.response),
            ("remission", scale.remission),
            ("relapse", scale.relapse),
        )
    ]
    others = [*_windows(condition), *_clock(condition)]
    return [*scales, *(line.removeprefix("- ").replace("`", "") for line in others)]


def outcome_in_words(
    condition: Condition, outcome: Outcome, instruments: Mapping[str, Instrument]
) -> str:
    """Define one outcome in a sentence: the rule on the primary scale, and when it is judged."""
    judged: Judged = getattr(condition.primary, outcome)
    scale = _scale_name(condition.primary, instruments)
    item = f"{_plain(judged.item)} " if judged.item else ""
    rule = f"{scale}: {item}{rule_in_words(judged.when)}"
    if outcome == "relapse":
        at_risk = condition.at_risk
        return f"{rule}, within {_days(at_risk.days)} of {_STARTS[at_risk.clock_starts]}"
    return f"{rule}, {_window(condition.window_of(outcome))}"


def _windows(condition: Condition) -> list[str]:
    """Say when the baseline score, response and remission are looked for."""
    response, remission = _window(condition.assessed_in), _window(condition.window_of("remission"))
    judged = (
        f"response and remission are judged {response}"
        if remission == response
        else f"response is judged {response}; remission {remission}"
    )
    words = [
        f"- Baseline score: the last from day {condition.baseline_in.start_day:g} up to the first "
        f"dose.",
        f"- Window: {judged} ({provenance(condition.windows_source)}).",
    ]
    spans = {scale.instrument: scale.covers_days for scale in condition.scales if scale.covers_days}
    words += [
        f"- A score of `{name}` speaks of the {days:g} days before it; one that reaches back "
        f"before the clock started is passed over."
        for name, days in spans.items()
    ]
    if condition.visits is not None:
        missed = condition.visits.missed_score
        counts = "is not assessed" if missed is None else f"counts as a score of {missed:g}"
        words.append(
            f"- A visit is due every {_days(condition.visits.every_days)}; a missed one {counts}."
        )
    return words


def _clock(condition: Condition) -> list[str]:
    """Say when the relapse clock starts and what ends it."""
    at_risk = condition.at_risk
    return [
        f"- Relapse: the clock starts with {_STARTS[at_risk.clock_starts]} and runs "
        f"{_days(at_risk.days)}; horizons are days "
        f"{', '.join(f'{day:g}' for day in at_risk.horizons)} ({provenance(at_risk)}).",
        f"- What ends the clock without a relapse: "
        f"{', '.join(one.label for one in at_risk.competing) or 'nothing'}.",
    ]


def _predictions(condition: Condition) -> list[str]:
    """Say at which moments something is predicted, and what."""
    tasks = tasks_of(condition, OUTCOMES, LANDMARKS)
    return [
        f"- Landmark {_plain(name)}, {_moment(moment)}: "
        f"{', '.join(task.outcome for task in tasks if task.landmark == name)}."
        for name, moment in condition.landmarks.items()
    ]


def _scale_row(scale: Scale, instruments: dict[str, Instrument]) -> str:
    cells = [_judged(one) for one in (scale.response, scale.remission, scale.relapse)]
    return f"| {_scale_name(scale, instruments)} | {' | '.join(cells)} |"


def _scale_name(scale: Scale, instruments: Mapping[str, Instrument]) -> str:
    name = instruments[scale.instrument].short_name
    return f"{name}, {_plain(scale.item)}" if scale.item else name


def _judged(judged: Judged) -> str:
    item = f"{_plain(judged.item)} " if judged.item else ""
    return f"{item}{rule_in_words(judged.when)} *({provenance(judged)})*"


def _window(window: AssessmentWindow) -> str:
    anchor = {"index_day": "the first dose", "last_dose": "the last dose"}[window.anchor]
    words = f"{window.start_day:g} to {window.end_day:g} days after {anchor}, on "
    if window.judged_on == "last":
        return words + "the last score"
    return words + f"every score, with one in the last {_days(window.closing_days)}"


def _moment(moment: Moment) -> str:
    anchors = {"index_day": "the first dose", "last_dose": "the last dose"}
    anchor = anchors.get(moment.anchor, f"dose {moment.dose} (or the last, if fewer)")
    return f"{_days(moment.day)} after {anchor}" if moment.day else f"just before {anchor}"


def instrument_page(instrument: Instrument) -> list[str]:
    """Give the lines of an instrument's section."""
    total = instrument.total
    lines = [
        f"## {instrument.name} (`{instrument.id}`)\n",
        f"{instrument.short_name}; rater: {instrument.rater}; recall: {instrument.recall}; total "
        f"{total.low:g} to {total.high:g} {instrument.unit}; {_direction(instrument)}; "
        f"{len(instrument.items)} items"
        f"{'; measured during a dose' if instrument.in_session else ''}. "
        f"Licence: {instrument.licence}.\n",
        *_scoring(instrument),
        *_levels(instrument),
        *_codes(instrument),
    ]
    if instrument.note:
        lines.append(f"- Note: {instrument.note.rstrip('.')}.")
    return [*lines, ""]


def _direction(instrument: Instrument) -> str:
    if instrument.direction == "neither":
        return "neither high nor low is worse"
    return _plain(instrument.direction)


def _scoring(instrument: Instrument) -> list[str]:
    """Say how items become a total, and which of them are special."""
    scoring = instrument.scoring
    lines = [
        f"- Scoring: {_SCORING[scoring.method]}{_missing(scoring)} "
        f"({provenance(instrument.scoring_source)})."
    ]
    special = {
        "Reverse scored": [item.id for item in instrument.items if item.reverse_scored],
        "Never filled in": [item.id for item in instrument.items if item.never_filled_in],
    }
    return lines + [
        f"- {name}: {', '.join(_plain(one) for one in items)}."
        for name, items in special.items()
        if items
    ]


def _missing(scoring: Scoring) -> str:
    """Say how many items may be missing, and what then becomes of the total."""
    match scoring:
        case Sum(most_missing=0) | Mean(most_missing=0) | SumOfMaxima(most_missing=0):
            return "; none may be missing"
        case Sum() | SumOfMaxima():
            return f"; up to {scoring.most_missing} of these may be missing, then pro-rated"
        case Mean():
            return f"; up to {scoring.most_missing} may be missing"
        case _:
            return ""


def _levels(instrument: Instrument) -> list[str]:
    """Say what a score, and a change of it, means."""
    lines = []
    if instrument.bands:
        bands = ", ".join(_band(band) for band in instrument.bands.levels)
        lines.append(f"- Bands: {bands} ({provenance(instrument.bands)}).")
    lines += [
        f"- Cut-off {cut.score:g}: {cut.meaning} ({provenance(cut)})."
        for cut in instrument.cut_offs
    ]
    changes = {
        "Reliable change": instrument.reliable_change,
        "Smallest important change": instrument.important_change,
    }
    return lines + [
        f"- {name}: {change.points:g} points ({provenance(change)})."
        for name, change in changes.items()
        if change is not None
    ]


def _band(band: Band) -> str:
    ends = f"{band.low:g}" if band.low == band.high else f"{band.low:g}–{band.high:g}"
    return f"{ends} {band.label}"


def _codes(instrument: Instrument) -> list[str]:
    """Give the LOINC codes of the panel, the total and the items."""
    loinc = instrument.loinc
    found = [
        f"{name} {code}" for name, code in (("panel", loinc.panel), ("total", loinc.total)) if code
    ]
    found += [f"item {_plain(item.id)} {item.loinc}" for item in instrument.items if item.loinc]
    status = f" ({loinc.status})" if loinc.status else ""
    return [f"- LOINC: {', '.join(found) or 'none'}{status}."]


def source_line(key: str, source: Source) -> str:
    """Cite a source, with its identifiers and which of these were not seen."""
    ids = [
        f"doi:{source.doi}" if source.doi else "",
        f"PMID {source.pmid}" if source.pmid else "",
        f"<{source.address}>" if source.address else "",
        f"from memory: {source.ids_from_memory}" if source.ids_from_memory else "",
        source.note or "",
    ]
    return f"- [{key}] {source.citation}. {'; '.join(one for one in ids if one)}".rstrip()


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _days(number: float) -> str:
    return f"{number:g} day{'' if number == 1 else 's'}"
