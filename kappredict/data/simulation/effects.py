"""Who responds and remits with what probability: the effects of one condition, calibrated.

The log-odds are an intercept per route and number of doses, the effects of the predictors (centred;
those of the baseline times the signal scale) and the site's. Remission is nested in response: its
probability is the smaller of the two, and equals that of response where the baseline score leaves
no other way to respond. Given what is known at baseline, the probability is the mean over what the
first doses may show, which is independent of the baseline.

Intercepts are solved on a large reference sample with a seed of its own. So the true model is a
function of the parameters alone: two studies drawn with different seeds share it.
"""

import zlib
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd
from scipy import optimize, special

from kappredict.data.simulation.allowed import Allowed
from kappredict.data.simulation.parameters import Parameters
from kappredict.data.simulation.people import draw_people, plans_of
from kappredict.domain.simulation import Predictor, Scores, SimulatedCondition, Variable
from kappredict.domain.spreads import YesNo

_PER_ROUTE = 10_000  # people in the reference sample: rates are exact to about 0.002
_NODES = 5


@dataclass(frozen=True)
class Odds:
    """Linear predictors of each person, intercept and site included."""

    response: np.ndarray
    remission: np.ndarray
    only_remission: np.ndarray

    def probabilities(
        self, more_response: float = 0.0, more_remission: float = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Give the probabilities of response and of remission, after adding to the log-odds."""
        response = special.expit(self.response + more_response)
        free = np.minimum(special.expit(self.remission + more_remission), response)
        return response, np.where(self.only_remission, response, free)


@dataclass(frozen=True)
class Effects:
    """The calibrated effects of one condition.

    `centre` and `unit` turn coded predictors into what the coefficients multiply; `intercepts` has
    those of response and remission for each route and number of doses.
    """

    condition: SimulatedCondition
    predictors: tuple[Predictor, ...]
    variables: dict[str, Variable]
    centre: np.ndarray
    unit: np.ndarray
    coefficients: np.ndarray
    intercepts: dict[tuple[str, int], tuple[float, float]]

    def odds(self, people: pd.DataFrame, site: np.ndarray, *, session: bool) -> Odds:
        """Add up each person's log-odds, with or without what the doses showed."""
        kept = np.array([session or one.stage != "session" for one in self.predictors])
        effect = self.design(people) @ (self.coefficients * kept)[:2].T
        keys = list(zip(people["route"], people["planned_doses"].astype(int), strict=True))
        start = np.array([self.intercepts[key] for key in keys]).reshape(-1, 2)
        lp = effect + start + site[:, None]
        return Odds(lp[:, 0], lp[:, 1], people["only_remission"].to_numpy())

    def design(self, people: pd.DataFrame) -> np.ndarray:
        """Code and centre the predictors; one column each."""
        return (_coded(self.predictors, people) - self.centre) / self.unit

    def log_hazard(self, people: pd.DataFrame) -> np.ndarray:
        """Give each person's log hazard ratio of relapse, without maintenance."""
        return self.design(people) @ self.coefficients[2]

    def before_sessions(
        self, people: pd.DataFrame, site: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Give the probabilities given what is known at baseline, by Gauss-Hermite quadrature."""
        odds = self.odds(people, site, session=False)
        response, remission = np.zeros(len(people)), np.zeros(len(people))
        for weight, more in self._session_nodes():
            one, other = odds.probabilities(more[0], more[1])
            response += weight * one
            remission += weight * other
        return response, remission

    def _session_nodes(self) -> list[tuple[float, np.ndarray]]:
        """List what the first doses may show: a weight, and what it adds to both log-odds."""
        places = [p for p, one in enumerate(self.predictors) if one.stage == "session"]
        each = []
        for place in places:
            predictor = self.predictors[place]
            values, weights = _nodes(self.variables[predictor.variable])
            shown = (predictor.code(values) - self.centre[place]) / self.unit[place]
            each.append(
                [(w, self.coefficients[:2, place] * x) for w, x in zip(weights, shown, strict=True)]
            )
        return [
            (float(np.prod([w for w, _ in nodes])), np.sum([x for _, x in nodes], axis=0))
            for nodes in product(*each)
        ]


def calibrate(
    parameters: Parameters, condition: SimulatedCondition
) -> tuple[Effects, pd.DataFrame, np.ndarray]:
    """Solve the intercepts of every route and number of doses for their target rates.

    Returns
    -------
    tuple
        The effects; the reference people (as `with_limits` gives them); and their site effects.
    """
    rng = np.random.default_rng(zlib.crc32(condition.id.encode()))
    routes = np.repeat(np.array(list(condition.routes), dtype=object), _PER_ROUTE)
    people = draw_people(parameters, condition, routes, rng)
    people = with_limits(parameters, condition, people)
    site = rng.normal(0.0, parameters.frame.site_sd, len(people))
    predictors = tuple(parameters.predictors_of(condition))
    coded = _coded(predictors, people)
    scale = parameters.predictors.signal_scale
    unsolved = Effects(
        condition=condition,
        predictors=predictors,
        variables={one.name: one for one in parameters.variables_of(condition)},
        centre=coded.mean(axis=0),
        unit=np.where([one.per_sd for one in predictors], coded.std(axis=0), 1.0),
        coefficients=_coefficients(predictors, scale),
        intercepts={(r, int(d)): (0.0, 0.0) for r, d in _plans(parameters, condition)},
    )
    odds = unsolved.odds(people, site, session=True)
    intercepts = {
        (route, cell.doses): _solve(_rows(odds, routes == route), cell.response, cell.remission)
        for route in condition.routes
        for cell, _ in plans_of(condition, route, parameters.frame.unlisted_dose_weight)
    }
    return replace(unsolved, intercepts=intercepts), people, site


def with_limits(
    parameters: Parameters, condition: SimulatedCondition, people: pd.DataFrame
) -> pd.DataFrame:
    """Add the highest scores of responders and remitters, and who can respond only by remitting."""
    outcome = condition.outcome
    if not isinstance(outcome, Scores):
        return people.assign(only_remission=False)
    scale = parameters.definition_of(condition).primary
    ends = parameters.catalogue.instruments[scale.instrument].range_of(scale.item)
    allowed = Allowed.of(scale, ends, people[outcome.variable].to_numpy())
    return people.assign(
        highest_response=allowed.response,
        highest_remission=allowed.remission,
        lowest_neither=allowed.neither,
        only_remission=allowed.only_remission,
    )


def _plans(parameters: Parameters, condition: SimulatedCondition) -> list[tuple[str, int]]:
    weight = parameters.frame.unlisted_dose_weight
    return [
        (route, cell.doses)
        for route in condition.routes
        for cell, _ in plans_of(condition, route, weight)
    ]


def _coded(predictors: tuple[Predictor, ...], people: pd.DataFrame) -> np.ndarray:
    return np.column_stack([one.code(people[one.variable].to_numpy()) for one in predictors])


def _coefficients(predictors: tuple[Predictor, ...], signal_scale: float) -> np.ndarray:
    """Give three rows: log-odds of response and of remission, and log hazard ratios of relapse."""
    scale = np.array([signal_scale if one.stage == "baseline" else 1.0 for one in predictors])
    return np.array(
        [
            scale * [one.log_odds_response for one in predictors],
            scale * [one.log_odds_remission for one in predictors],
            np.log([one.hazard_ratio_relapse for one in predictors]),
        ]
    )


def _rows(odds: Odds, rows: np.ndarray) -> Odds:
    return Odds(odds.response[rows], odds.remission[rows], odds.only_remission[rows])


def _solve(odds: Odds, response: float, remission: float) -> tuple[float, float]:
    """Find the two intercepts at which the mean probabilities are the target rates."""
    first = optimize.brentq(lambda a: odds.probabilities(a)[0].mean() - response, -20, 20)
    second = optimize.brentq(lambda a: odds.probabilities(first, a)[1].mean() - remission, -20, 20)
    return float(first), float(second)


def _nodes(variable: Variable) -> tuple[np.ndarray, np.ndarray]:
    """Give values of a variable and weights whose sums stand for means over it."""
    if isinstance(variable.spread, YesNo):
        share = variable.spread.share
        return np.array([0.0, 1.0]), np.array([1 - share, share])
    z, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    return variable.spread.of(z), weights / weights.sum()
