"""Monitoring in words: what alarms mean, and what to do next."""

from kappredict.monitoring.checks import FALSE_ALARMS, Check, Family
from kappredict.monitoring.looks import LEAST, Look, Monitoring

FAMILIES: dict[Family, str] = {
    "inputs": "inputs, one by one",
    "overall": "inputs together",
    "predictions": "predictions",
    "level": "calibration in the large",
    "slope": "calibration slope",
    "net_benefit": "net benefit",
    "sites": "level by site",
}
_MEANS: dict[Family, str] = {
    "inputs": "patients, or what is recorded of them, are not those of training",
    "overall": "patients, or what is recorded of them, are not those of training",
    "predictions": "probabilities lie elsewhere than in training",
    "level": "the outcome is commoner, or rarer, than predicted",
    "slope": "predictions are more extreme than outcomes bear out",
    "net_benefit": "acting on the model gains less than it did in validation",
    "sites": "the outcome is commoner, or rarer, than predicted at a site",
}
_INPUTS = {"inputs", "overall", "predictions"}


def verdict(done: Monitoring) -> list[str]:
    """Say whether the last look alarms, what that means, and what it could not tell."""
    look = done.last
    alarmed = {one.family: one for one in look.alarms}
    if alarmed:
        first = [f"ALARM: {FAMILIES[family]}: {_MEANS[family]}." for family in alarmed]
    else:
        first = ["No alarm." if look.checks else "Nothing could be checked."]
    return [*first, *_not_told(done), *_next(look)]


def worst(look: Look) -> list[Check]:
    """Give the most surprising check of each family."""
    found: dict[Family, Check] = {}
    for one in look.checks:
        known = found.get(one.family)
        if known is None or one.p < known.p:
            found[one.family] = one
    return list(found.values())


def _not_told(done: Monitoring) -> list[str]:
    look, said = done.last, []
    if done.stream.unmatched:
        said.append(
            f"{done.stream.unmatched:,} of {len(done.stream.date):,} patients asked about are not "
            f"in the study, by the pseudonyms that this key makes."
        )
    if look.asked < LEAST:
        said.append(f"Inputs are checked from {LEAST} patients on; there are {look.asked}.")
    if done.stream.outcomes is None:
        said.append("No outcomes: calibration and net benefit were not checked.")
    elif look.question is None:
        said.append(
            f"Outcomes are checked from {LEAST} on; {look.known} are known of {look.due} due, and "
            f"{look.waiting} are not due yet."
        )
    return said


def _next(look: Look) -> list[str]:
    """Say what to do about alarms."""
    families = {one.family for one in look.alarms}
    said = []
    if families & _INPUTS:
        said.append(
            "Next: look whether the clinic's patients or its records changed; predictions for "
            "patients unlike those of training may be off before outcomes show it."
        )
    if families - _INPUTS:
        said.append(
            "Next: `kappredict evaluate MODEL --study STUDY --recalibrate intercept` (or "
            "`intercept_and_slope`) refits level and slope here; train anew where that is not "
            "enough."
        )
    return said


def promise() -> str:
    """Say how often a look alarms without drift."""
    return (
        f"Without drift at most {FALSE_ALARMS:.0%} of monthly looks alarm, over all checks "
        f"together."
    )
