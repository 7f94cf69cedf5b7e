"""The people of a simulation: what differs between them, and the treatment planned for them.

Variables are drawn from a Gaussian copula: correlated standard normal values, each turned into its
own distribution. Two scores that both hang on a third are independent given it. Sites
belong to a setting, and which setting depends on the planned route.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special

from kappredict.data.simulation.parameters import Parameters
from kappredict.domain.simulation import Cell, Correlation, Frame, SimulatedCondition, Variable


def draw_people(
    parameters: Parameters,
    condition: SimulatedCondition,
    routes: np.ndarray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw one person per planned route.

    Returns
    -------
    DataFrame
        A column per variable, and `route`, `planned_doses`, `dose_mg_per_kg`, `setting` and `site`
        (a number).
    """
    variables = parameters.variables_of(condition)
    columns = _draw_variables(variables, parameters.variables.correlations, len(routes), rng)
    frame = parameters.frame
    settings = np.empty(len(routes), dtype=object)
    doses = np.empty(len(routes))
    dose = np.empty(len(routes))
    for route in condition.routes:
        rows = np.flatnonzero(routes == route)
        plans = plans_of(condition, route, frame.unlisted_dose_weight)
        doses[rows] = _choose([cell.doses for cell, _ in plans], [w for _, w in plans], rows, rng)
        shares = frame.routes[route].settings
        settings[rows] = _choose(list(shares), list(shares.values()), rows, rng)
        levels = condition.doses.get(route, frame.routes[route].dose)
        high = columns["dose_high"][rows] > 0
        dose[rows] = np.where(high, levels.high_mg_per_kg, levels.low_mg_per_kg)
    return pd.DataFrame(columns).assign(
        route=routes,
        planned_doses=doses,
        dose_mg_per_kg=dose,
        setting=settings,
        site=_draw_sites(frame, settings, rng),
    )


def draw_routes(condition: SimulatedCondition, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw planned routes in the shares of a condition."""
    share = np.array(list(condition.routes.values()))
    return rng.choice(np.array(list(condition.routes), dtype=object), size=n, p=share / share.sum())


def plans_of(
    condition: SimulatedCondition, route: str, unlisted_weight: float
) -> list[tuple[Cell, float]]:
    """List a route's numbers of doses with target rates and weights.

    Numbers between the listed ones get rates interpolated on the logit, and a smaller weight.
    """
    listed = sorted((cell for cell in condition.cells if cell.route == route), key=_by_doses)
    known = [cell.doses for cell in listed]
    plans = []
    for doses in range(known[0], known[-1] + 1):
        rates = {
            name: special.expit(
                np.interp(doses, known, [special.logit(getattr(cell, name)) for cell in listed])
            )
            for name in ("response", "remission")
        }
        weight = listed[known.index(doses)].weight if doses in known else unlisted_weight
        plans.append((listed[0].model_copy(update={"doses": doses, **rates}), weight))
    return plans


def draw_site_effects(frame: Frame, rng: np.random.Generator) -> np.ndarray:
    """Draw each site's random effect on the log-odds, centred within each setting.

    Centring keeps the study's rates at their targets: routes differ in where they are given, and
    six sites alone would shift a route's rate by more than the tolerance.
    """
    effects = [rng.normal(0.0, frame.site_sd, number) for number in frame.sites.values()]
    return np.concatenate([effect - effect.mean() for effect in effects])


def even_uniforms(group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw uniform numbers that fill 0 to 1 evenly within each group, in random order.

    Each is uniform by itself (Latin hypercube sampling), while a group's rates vary less than by
    independent draws: dozens of small groups are to meet their published rates in one study.

    >>> sorted((even_uniforms(np.zeros(4), np.random.default_rng(1)) * 4).astype(int).tolist())
    [0, 1, 2, 3]
    """
    code = np.unique(group, return_inverse=True)[1]
    order = np.lexsort((rng.random(len(code)), code))
    size = np.bincount(code)[code[order]]
    place = np.arange(len(code)) - np.searchsorted(code[order], code[order])
    uniforms = np.empty(len(code))
    uniforms[order] = (place + rng.random(len(code))) / size
    return uniforms


def _by_doses(cell: Cell) -> int:
    return cell.doses


def _choose(
    values: Sequence[object], weights: Sequence[float], rows: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    share = np.asarray(weights) / np.sum(weights)
    return np.array(values, dtype=object)[rng.choice(len(values), size=len(rows), p=share)]


def _draw_variables(
    variables: list[Variable],
    correlations: Sequence[Correlation],
    n: int,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    z = _draw_normals([variable.name for variable in variables], correlations, n, rng)
    columns = {variable.name: variable.spread.of(z[variable.name]) for variable in variables}
    for variable in variables:
        if variable.never_above is not None:
            columns[variable.name] = np.minimum(
                columns[variable.name], columns[variable.never_above]
            )
    return columns


def _draw_normals(
    names: list[str], correlations: Sequence[Correlation], n: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Draw correlated standard normal values: each effect is a sum of its causes and of chance."""
    z = {name: rng.standard_normal(n) for name in names}
    effects = [one.effect for one in correlations if one.effect in z]
    for effect in reversed(dict.fromkeys(reversed(effects))):
        causes = [one for one in correlations if one.effect == effect and one.cause in z]
        explained = sum(one.value**2 for one in causes)
        z[effect] = np.sqrt(1 - explained) * z[effect] + sum(
            one.value * z[one.cause] for one in causes
        )
    return z


def _draw_sites(frame: Frame, settings: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a site of each person's setting; sites are numbered through, setting after setting."""
    site = np.zeros(len(settings), dtype=int)
    first = 0
    for setting, number in frame.sites.items():
        rows = np.flatnonzero(settings == setting)
        site[rows] = first + rng.integers(0, number, len(rows))
        first += number
    return site
