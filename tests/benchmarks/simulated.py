"""Simulated studies of equal size per condition, with the truth beside the modelling sets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kappredict.config.catalogue import Catalogue
from kappredict.data.simulation import Parameters, simulate
from kappredict.data.totals import with_totals
from kappredict.domain.conditions import Outcome
from kappredict.domain.task import tasks_of
from kappredict.evaluation.modelling_set import ModellingSet, build_modelling_set, with_kin


@dataclass(frozen=True)
class Simulated:
    """The modelling sets of one outcome at baseline, and the truth of each one's courses."""

    sets: list[ModellingSet]
    truth: list[pd.DataFrame]


def even_study(
    catalogue: Catalogue, parameters: Parameters, outcome: Outcome, *, each: int, seed: int
) -> Simulated:
    """Simulate `each` courses per condition, on average, and build their modelling sets."""
    shares = {
        name: one.model_copy(update={"share": 1.0}) for name, one in parameters.conditions.items()
    }
    drawn = simulate(replace(parameters, conditions=shares), patients=each * len(shares), seed=seed)
    catalogue = catalogue.for_study(drawn.study.definition)
    study = with_totals(drawn.study, catalogue.instruments)
    sets = with_kin(
        [
            build_modelling_set(study, catalogue, task)
            for condition in sorted(shares)
            for task in tasks_of(catalogue.condition(condition), (outcome,), ("baseline",))
        ]
    )
    truth = drawn.truth.set_index("course_id")
    return Simulated(sets, [truth.loc[one.courses["course_id"]] for one in sets])


def expected_auc(score: np.ndarray, probability: np.ndarray) -> float:
    """Give the AUC of a score in expectation over outcomes that have the true probabilities.

    Of two courses the one with the outcome is the likelier one: pairs weigh p of the one times
    1 − p of the other. Ties count half.
    """
    table = pd.DataFrame({"score": score, "yes": probability, "no": 1 - probability})
    by_score = table.groupby("score").sum()
    below = by_score["no"].cumsum() - by_score["no"] / 2
    pairs = by_score["yes"].sum() * by_score["no"].sum()
    return float((by_score["yes"] * below).sum() / pairs)


def markdown(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lay rows out as a table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)
