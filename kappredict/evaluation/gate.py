"""The gate: whether a challenger may serve, and every reason why not, each with its figures.

By itself it must be fit to serve: enough courses (Riley's criteria for what it was fitted with;
Collins, Ogundimu and Altman 2016 for what it is judged on), better than chance, calibrated, no
sign of a leak; all under its hardest split. Beside a champion it must also not be worse, on the
same courses: the whole 95 % interval of the paired difference must lie above the margin, as in a
trial of non-inferiority (Piaggio et al. 2012). An interval too wide to tell is a reason against it;
only of the worst subgroup, which is always small, does the estimate itself decide.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kappredict.data.study import Study
from kappredict.errors import RefusedError, UsageError
from kappredict.estimators.bundle import ModelBundle
from kappredict.estimators.sample_size import supported
from kappredict.evaluation.contenders import Contender, Meeting, meet
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.paired_figures import PairedFigure, paired_figures
from kappredict.evaluation.report import HARDEST_FIRST, plain
from kappredict.evaluation.settings import GateSettings, TrainingSettings

WORDS = {
    "discrimination": "discrimination",
    "brier": "Brier score",
    "ici": "mean calibration error",
    "worst_group": "AUC in the worst subgroup",
}


@dataclass(frozen=True)
class Verdict:
    """Whether a challenger may serve: `objections` are the reasons against it, empty if it may.

    `compared` says in a sentence on which courses, `figures` are those of both contenders there,
    and `rows` is a digest of the courses; without a champion there is nothing to compare.
    """

    task: str
    objections: tuple[str, ...]
    compared: str
    figures: tuple[PairedFigure, ...] = ()
    rows: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.objections

    def to_json(self) -> dict[str, Any]:
        """Give the verdict as plain data."""
        figures = {
            one.name: {
                which: plain(getattr(one, which))
                for which in ("challenger", "champion", "difference")
            }
            for one in self.figures
        }
        return {
            "task": self.task,
            "passed": self.passed,
            "objections": list(self.objections),
            "compared": self.compared,
            "figures": figures,
            "rows": self.rows,
        }


def judge(
    challenger: Contender, champion: Contender | None, study: Study, settings: TrainingSettings
) -> Verdict:
    """Judge a challenger by itself and, where there is a champion, beside it on the same courses.

    Parameters
    ----------
    study
        Whose courses they are compared on: the one that the challenger was trained on, or a newer.
    """
    task = challenger.bundle.task.name
    alone = tuple(_unfit(challenger.bundle, settings))
    if champion is None:
        return Verdict(task, alone, "There is no champion yet: the challenger stands by itself.")
    try:
        both = meet(challenger, champion, study, HARDEST_FIRST)
    except (RefusedError, UsageError) as error:
        return Verdict(task, (*alone, f"it cannot be compared with the champion: {error}"), "")
    figures = paired_figures(
        both.challenger,
        both.champion,
        least_in_group=settings.gate.least_in_group,
        seed=settings.seed,
        resamples=settings.resamples,
    )
    objections = dict.fromkeys(
        (*alone, *_too_few(_sides(both), settings.gate), *_worse(figures, settings.gate))
    )
    return Verdict(task, tuple(objections), _compared(both), tuple(figures), both.rows)


def _unfit(bundle: ModelBundle, settings: TrainingSettings) -> Iterator[str]:
    """Say what speaks against a model by itself, from what its own training found."""
    validation = bundle.recipe.validation
    scheme = validation["headline"]
    found = validation["schemes"][scheme]
    name = "c_index" if "c_index" in found else "auc"
    yield from _too_small(bundle)
    yield from _too_few((found["events"], found["n"] - found["events"]), settings.gate)
    if not (found[name]["low"] or 0) > 0.5:
        shown = _words(found[name])
        yield f"it does not tell outcomes apart better than chance: {shown} ({scheme})"
    best = max(one[name]["value"] or 0 for one in validation["schemes"].values())
    if bundle.task.landmark == "baseline" and best > settings.suspect_auc:
        yield (
            f"a leak is suspected: {best:.2f} from baseline facts is above "
            f"{settings.suspect_auc:.2f}"
        )
    yield from _miscalibrated(validation["trust"], scheme, settings.gate)


def _too_small(bundle: ModelBundle) -> Iterator[str]:
    made = bundle.recipe.provenance
    sample = supported(made.n, made.events)
    if not sample.parameters or not sample.precise:
        yield f"the sample is too small: {sample} (Riley's criteria)"


def _too_few(sides: tuple[float, float], gate: GateSettings) -> Iterator[str]:
    events, others = sides
    if min(sides) < gate.least_either_side:
        yield (
            f"too few courses to judge it on: {events:g} with the outcome and {others:g} without "
            f"it, and it takes {gate.least_either_side} of each"
        )


def _miscalibrated(
    trust: Mapping[str, Any] | None, scheme: str, gate: GateSettings
) -> Iterator[str]:
    if trust is None:
        yield "no horizon was followed by enough courses to judge its probabilities"
        return
    found = trust["calibration"][trust["question"]]
    slope, level = found["slope"]["value"], found["intercept"]["value"]
    if slope is None or not gate.slope_from <= slope <= gate.slope_to:
        yield (
            f"its probabilities are too extreme or too timid: calibration slope "
            f"{_words(found['slope'])} ({scheme}), and it takes {gate.slope_from:g} to "
            f"{gate.slope_to:g}"
        )
    if level is None or abs(level) > gate.level:
        yield (
            f"its probabilities are off on average: {_words(found['intercept'])} log-odds "
            f"({scheme}), and it takes at most {gate.level:g} either way"
        )


def _worse(figures: list[PairedFigure], gate: GateSettings) -> Iterator[str]:
    """Say in what the challenger is worse, or cannot be shown not to be, by more than a margin."""
    for one in figures:
        margin = getattr(gate.margins, one.name)
        gain = one.gain
        # No study has the size to prove this of its smallest groups: there the estimate decides.
        # Where no group is large enough to be judged apart it is NaN, and nothing is said.
        by_estimate = one.name == "worst_group"
        if (by_estimate and not gain.value <= -margin) or (not by_estimate and gain.low > -margin):
            continue
        verb = "it is worse" if gain.value <= -margin else "it may be worse"
        yield (
            f"{verb}: {WORDS[one.name]} {_shown(one.challenger)}, the champion's "
            f"{_shown(one.champion)}, difference {one.difference.value:+.3f} "
            f"({one.difference.low:+.3f} to {one.difference.high:+.3f}); the margin is {margin:g}"
        )


def _sides(both: Meeting) -> tuple[float, float]:
    target = both.challenger.data.target
    return target.events, target.n - target.events


def _compared(both: Meeting) -> str:
    """Say on which courses the two met."""
    n, scheme = both.challenger.data.target.n, both.scheme.replace("_", " ")
    return (
        f"Compared on {n} courses ({_sides(both)[0]} with the outcome), each predicted without "
        f"having been learnt from: {both.new_to_champion} that the champion never saw, and "
        f"{n - both.new_to_champion} as its own cross-validation predicted them ({scheme}); of the "
        f"challenger, {both.new_to_challenger} and {n - both.new_to_challenger}."
    )


def _words(figure: Mapping[str, float | None]) -> str:
    if figure["value"] is None or figure["low"] is None:
        return "cannot be told"
    return f"{figure['value']:.2f} ({figure['low']:.2f} to {figure['high']:.2f})"


def _shown(one: Estimate) -> str:
    return "–" if np.isnan(one.value) else f"{one.value:.3f}"
