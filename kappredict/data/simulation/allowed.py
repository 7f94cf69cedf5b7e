"""Which scores agree with an outcome, found by asking the condition's own rules.

So a simulated score can be drawn to agree with the outcome without a threshold being written down
twice. Rules for response and remission hold for low scores, relapse for high ones; where a rule
changes its answer is found by bisection over whole scores.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kappredict.domain.conditions import Scale
from kappredict.domain.instruments import Range
from kappredict.domain.rules import AllOf, AnyOf, Consecutive, Rule


@dataclass(frozen=True)
class Allowed:
    """Per course, the end-of-course scores that agree with an outcome.

    `response` and `remission` are the highest scores of responders and remitters; `neither` is the
    lowest of those who do not respond.
    """

    response: np.ndarray
    remission: np.ndarray
    neither: np.ndarray

    @classmethod
    def of(cls, scale: Scale, ends: Range, baseline: np.ndarray) -> "Allowed":
        """Ask the rules of a scale, for each baseline score.

        A score that is a response and a relapse at once (a rule with a fixed threshold, a very high
        baseline) is left out of what a responder may have.
        """
        distinct, place = np.unique(baseline, return_inverse=True)
        response = _highest_with(scale.response.when, distinct, ends)
        remission = _highest_with(scale.remission.when, distinct, ends)
        well = np.minimum(response, _highest_without(scale.relapse.when, distinct, ends, None))
        neither = np.maximum(response, remission) + 1
        return cls(well[place], np.minimum(well, remission)[place], neither[place])

    @property
    def only_remission(self) -> np.ndarray:
        """Whether every response is a remission: the baseline leaves no score between the two."""
        return self.remission >= self.response


def lowest_relapse(scale: Scale, ends: Range, baseline: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Give the lowest score that counts as relapse, for a baseline and the best score since."""
    pairs = pd.DataFrame({"baseline": baseline, "best": best})
    distinct = pairs.drop_duplicates(ignore_index=True)
    found = _highest_without(
        scale.relapse.when, distinct["baseline"].to_numpy(), ends, distinct["best"].to_numpy()
    )
    return pairs.merge(distinct.assign(found=found + 1), how="left")["found"].to_numpy()


def _highest_with(rule: Rule, baseline: np.ndarray, ends: Range) -> np.ndarray:
    return _bisect(rule, baseline, ends, best=None, wanted=True)


def _highest_without(
    rule: Rule, baseline: np.ndarray, ends: Range, best: np.ndarray | None
) -> np.ndarray:
    return _bisect(rule, baseline, ends, best=best, wanted=False)


def _bisect(
    rule: Rule, baseline: np.ndarray, ends: Range, *, best: np.ndarray | None, wanted: bool
) -> np.ndarray:
    """Find the highest whole score at which the rule's answer is still the wanted one."""
    once = _at_one_visit(rule)
    low = np.full(len(baseline), ends.low - 1)
    high = np.full(len(baseline), ends.high + 1)
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        visits = pd.DataFrame(
            {
                "course_id": np.arange(len(baseline)),
                "score": middle,
                "baseline": baseline,
                "best": middle if best is None else best,
                "event": pd.Series(pd.NA, index=range(len(baseline)), dtype="str"),
            }
        )
        answer = once.holds(visits).fillna(False).to_numpy(dtype=bool) == wanted
        low, high = np.where(answer, middle, low), np.where(answer, high, middle)
    return low


def _at_one_visit(rule: Rule) -> Rule:
    """Ask of one visit what the rule asks of several in a row."""
    match rule:
        case Consecutive():
            return _at_one_visit(rule.of)
        case AnyOf() | AllOf():
            return rule.model_copy(update={"of": tuple(_at_one_visit(part) for part in rule.of)})
        case _:
            return rule
