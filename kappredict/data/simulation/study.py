"""A simulated study, with the truth apart."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kappredict.data.simulation.parameters import Parameters
from kappredict.data.simulation.tables import draw_tables
from kappredict.data.simulation.truth import draw_truth, shown_truth
from kappredict.data.study import Study


@dataclass(frozen=True)
class SimulatedStudy:
    """A study of simulated people, and what no real study knows.

    `truth` has one row per course. `p_response_baseline` and `p_remission_baseline` are the true
    probabilities given what is known before the first dose; `p_response` and `p_remission` those
    given also what the first two doses show (`log_odds_…` are their logits before nesting).
    `response` and `remission` are the drawn outcomes. `relapse_day` counts from the start of the
    relapse clock (`relapse_clock`) and is NaN for courses never at risk; `relapse_shape` and
    `relapse_scale_days` are the course's Weibull curve where it has a single one, `survival_30` and
    so on its true probability of no relapse up to that day.
    """

    study: Study
    truth: pd.DataFrame


def simulate(
    parameters: Parameters, *, patients: int, seed: int, conditions: tuple[str, ...] | None = None
) -> SimulatedStudy:
    """Simulate a study of one course per patient; the same seed gives the same study.

    Raises
    ------
    UsageError
        If there are no patients, or a condition has no parameters.
    """
    drawn = draw_truth(parameters, patients=patients, seed=seed, conditions=conditions)
    tables = draw_tables(parameters, drawn, np.random.default_rng([seed, 1]))
    return SimulatedStudy(Study.of(parameters.frame.study, tables), shown_truth(drawn))
