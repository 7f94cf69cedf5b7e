"""The truth of a simulated study: who responds, remits and relapses when, and how likely it was."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kappredict.data.simulation.effects import Effects, calibrate, with_limits
from kappredict.data.simulation.parameters import Parameters
from kappredict.data.simulation.people import (
    draw_people,
    draw_routes,
    draw_site_effects,
    even_uniforms,
)
from kappredict.data.simulation.relapse import (
    HORIZONS,
    Curve,
    draw_after_response,
    draw_from_index,
    solve_curve,
)
from kappredict.domain.simulation import Scores, SimulatedCondition, Use
from kappredict.errors import UsageError

SHOWN = (
    "course_id",
    "condition",
    "route",
    "planned_doses",
    "setting",
    "p_response_baseline",
    "p_remission_baseline",
    "p_response",
    "p_remission",
    "log_odds_response",
    "log_odds_remission",
    "response",
    "remission",
    "maintenance",
    "initially_abstinent",
    "relapse_clock",
    "relapse_day",
    "log_hazard",
    "relapse_shape",
    "relapse_scale_days",
    *(f"survival_{horizon:.0f}" for horizon in HORIZONS),
)


@dataclass(frozen=True)
class Drawn:
    """The people of one condition with their true outcomes, a row per course.

    `people` has a column per variable, the planned treatment, and the truth: probabilities
    (`p_response_baseline` given what is known before the first dose, `p_response` given also what
    the first two doses show), drawn outcomes, and `relapse_day`, counted from response or from the
    index day as `relapse_clock` says (NaN where the course never was at risk).
    """

    condition: SimulatedCondition
    people: pd.DataFrame

    @property
    def scores(self) -> Scores:
        """How the condition's scores move.

        Raises
        ------
        TypeError
            If the condition is not judged by a score.
        """
        if not isinstance(self.condition.outcome, Scores):
            raise TypeError(f"{self.condition.id} is not judged by a score")
        return self.condition.outcome

    @property
    def use(self) -> Use:
        """How use is taken up again.

        Raises
        ------
        TypeError
            If the condition is not judged by use.
        """
        if not isinstance(self.condition.outcome, Use):
            raise TypeError(f"{self.condition.id} is not judged by use")
        return self.condition.outcome


def draw_truth(
    parameters: Parameters, *, patients: int, seed: int, conditions: tuple[str, ...] | None = None
) -> list[Drawn]:
    """Draw people and their true outcomes, one course each, without the tables that show them.

    Raises
    ------
    UsageError
        If there are no patients, or a condition has no parameters.
    """
    chosen = _chosen(parameters, patients, conditions)
    rng = np.random.default_rng(seed)
    share = np.array([one.share for one in chosen])
    which = rng.choice(len(chosen), size=patients, p=share / share.sum())
    sites = draw_site_effects(parameters.frame, rng)
    drawn = []
    for place, condition in enumerate(chosen):
        numbers = np.flatnonzero(which == place)
        if len(numbers):
            drawn.append(_draw_condition(parameters, condition, numbers, sites, rng))
    return drawn


def shown_truth(drawn: list[Drawn]) -> pd.DataFrame:
    """Give the truth as a table, one row per course."""
    rows = pd.concat([one.people[list(SHOWN)] for one in drawn])
    return rows.sort_values("course_id", ignore_index=True)


def course_ids(numbers: np.ndarray) -> np.ndarray:
    """Name courses by number."""
    return np.array([f"c{number:07d}" for number in numbers], dtype=object)


def _chosen(
    parameters: Parameters, patients: int, conditions: tuple[str, ...] | None
) -> list[SimulatedCondition]:
    if patients < 1:
        raise UsageError(f"{patients} patients cannot be simulated; give at least 1")
    known = parameters.conditions
    missing = [name for name in conditions or () if name not in known]
    if missing:
        raise UsageError(
            f"there is nothing in configs/simulation/conditions to simulate {', '.join(missing)} "
            f"from; known: {', '.join(sorted(known))}"
        )
    return [known[name] for name in sorted(conditions or known)]


def _draw_condition(
    parameters: Parameters,
    condition: SimulatedCondition,
    numbers: np.ndarray,
    sites: np.ndarray,
    rng: np.random.Generator,
) -> Drawn:
    effects, reference, reference_site = calibrate(parameters, condition)
    routes = draw_routes(condition, len(numbers), rng)
    people = draw_people(parameters, condition, routes, rng).set_index(pd.Index(numbers))
    people = with_limits(parameters, condition, people)
    people = _with_outcomes(people, effects, sites[people["site"]], rng)
    if isinstance(condition.outcome, Use):
        curve = Curve(condition.relapse.shape, condition.relapse.scale_days)
        times = draw_from_index(curve, condition.outcome, people, rng)
    else:
        weight, _ = effects.odds(reference, reference_site, session=True).probabilities()
        thinned = slice(None, None, len(condition.routes))
        log_hazard = effects.log_hazard(reference)[thinned]
        curve = solve_curve(condition.relapse, log_hazard, weight[thinned])
        times = draw_after_response(curve, condition.relapse, people, rng)
    clock = parameters.definition_of(condition).at_risk.clock_starts
    people = people.join(times).assign(
        course_id=course_ids(numbers),
        condition=condition.id,
        relapse_clock=clock,
    )
    return Drawn(condition, people)


def _with_outcomes(
    people: pd.DataFrame, effects: Effects, site: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Add probabilities and drawn outcomes; one uniform number decides both, so they are nested."""
    at_baseline = effects.before_sessions(people, site)
    odds = effects.odds(people, site, session=True)
    response, remission = odds.probabilities()
    cell = people["route"] + people["planned_doses"].astype(int).astype(str)
    fate = even_uniforms(cell.to_numpy(dtype=str), rng)
    return people.assign(
        p_response_baseline=at_baseline[0],
        p_remission_baseline=at_baseline[1],
        p_response=response,
        p_remission=remission,
        log_odds_response=odds.response,
        log_odds_remission=odds.remission,
        response=fate < response,
        remission=fate < remission,
        log_hazard=effects.log_hazard(people),
    )
