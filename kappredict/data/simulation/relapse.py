"""When relapse truly happens: Weibull times, calibrated to published survival.

Where a course is judged by scores, responders relapse at a Weibull time from the day of response,
with proportional hazards for predictors and maintenance. The mean of many such curves is flatter
than each, so shape and scale are solved for the *mean* curve of responders without maintenance.

Where it is judged by use, the clock starts at the first dose, and outcomes and times have to agree:
a course without use to day 90 has no relapse before. So response and remission are drawn first (the
target rates hold exactly), and the time then comes from the Weibull curve restricted to the days
that the outcome leaves open (a stratum). A share of those who are abstinent when judged may have
used before and stopped again; the shares are set so that the mean curve is the published one. Those
never abstinent relapse on the index day.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize

from kappredict.data.simulation.people import even_uniforms
from kappredict.domain.simulation import Stratum, Use, Weibull

HORIZONS = (30.0, 90.0, 180.0, 365.0)


@dataclass(frozen=True)
class Curve:
    """A Weibull curve; a person's hazard is multiplied by exp(log_hazard)."""

    shape: float
    scale_days: float

    def survival(self, day: float | np.ndarray, log_hazard: np.ndarray) -> np.ndarray:
        """Give the probability of no relapse up to a day."""
        with np.errstate(over="ignore"):
            return np.exp(-((day / self.scale_days) ** self.shape) * np.exp(log_hazard))

    def day(self, survival: np.ndarray, log_hazard: np.ndarray) -> np.ndarray:
        """Give the day on which survival has fallen to a value (inverse of `survival`)."""
        with np.errstate(divide="ignore"):
            passed = -np.log(survival) / np.exp(log_hazard)
        return self.scale_days * passed ** (1 / self.shape)


def solve_curve(relapse: Weibull, log_hazard: np.ndarray, weight: np.ndarray) -> Curve:
    """Find the curve whose means over people (weighted) come nearest to the target survival."""
    maintained = log_hazard + np.log(relapse.maintenance_hazard_ratio)
    targets = [(day, log_hazard, target) for day, target in relapse.survival.items()]
    targets += [(day, maintained, target) for day, target in relapse.survival_maintained.items()]

    def misfit(log_curve: np.ndarray) -> float:
        curve = Curve(*np.exp(log_curve))
        return sum(
            (np.average(curve.survival(day, hazard), weights=weight) - target) ** 2
            for day, hazard, target in targets
        )

    start = np.log([relapse.shape, relapse.scale_days])
    found = optimize.minimize(misfit, start, method="Nelder-Mead", options={"xatol": 1e-3})
    return Curve(*np.exp(found.x))


def draw_after_response(
    curve: Curve, relapse: Weibull, people: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw relapse times, from the day of response; `people` has `response` and `log_hazard`."""
    n = len(people)
    responded = people["response"].to_numpy()
    maintained = responded & (rng.random(n) < relapse.maintained_share)
    extra = np.log(relapse.maintenance_hazard_ratio) * maintained
    log_hazard = people["log_hazard"].to_numpy() + extra
    day = curve.day(1 - even_uniforms(responded * (1 + maintained), rng), log_hazard)
    survival = {
        f"survival_{horizon:.0f}": np.where(responded, curve.survival(horizon, log_hazard), np.nan)
        for horizon in HORIZONS
    }
    return pd.DataFrame(
        {
            "maintenance": maintained,
            "initially_abstinent": True,
            "relapse_day": np.where(responded, day, np.nan),
            "back_by": np.nan,
            "relapse_shape": np.where(responded, curve.shape, np.nan),
            "relapse_scale_days": np.where(
                responded, curve.scale_days * np.exp(-log_hazard / curve.shape), np.nan
            ),
            **survival,
        },
        index=people.index,
    )


def draw_from_index(
    curve: Curve, use: Use, people: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw relapse times from the index day, in agreement with response and remission.

    `people` has `response`, `remission`, `p_response`, `p_remission` and `log_hazard`.
    """
    n = len(people)
    log_hazard = people["log_hazard"].to_numpy()
    outcome = np.select(
        [people["remission"].to_numpy(), people["response"].to_numpy()],
        ["remitted", "responded"],
        "others",
    )
    stratum = _draw_strata(use.strata, outcome, rng)
    start = np.array([one.start_day for one in use.strata])[stratum]
    end = np.array([one.end_day for one in use.strata])[stratum]
    back = np.array([np.nan if one.back_by is None else one.back_by for one in use.strata])[stratum]
    high, low = curve.survival(start, log_hazard), curve.survival(end, log_hazard)
    day = curve.day(high - even_uniforms(stratum, rng) * (high - low), log_hazard)
    never = _never_abstinent(use, people["p_response"].to_numpy())
    abstinent = (outcome != "others") | (rng.random(n) >= never)
    return pd.DataFrame(
        {
            "maintenance": False,
            "initially_abstinent": abstinent,
            "relapse_day": np.where(abstinent, np.clip(day, start, end), 0.0),
            "back_by": back,
            "relapse_shape": np.nan,
            "relapse_scale_days": np.nan,
            **{f"survival_{day:.0f}": _survival(curve, use, people, day) for day in HORIZONS},
        },
        index=people.index,
    )


def _never_abstinent(use: Use, p_response: np.ndarray) -> np.ndarray:
    """Give the probability of never being abstinent, among those who do not respond."""
    return np.minimum(use.never_abstinent / (1 - p_response), 1.0)


def _draw_strata(
    strata: Sequence[Stratum], outcome: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    chosen = np.zeros(len(outcome), dtype=int)
    for name in np.unique(outcome):
        rows = np.flatnonzero(outcome == name)
        own = [place for place, stratum in enumerate(strata) if stratum.of == name]
        share = np.array([strata[place].share for place in own])
        chosen[rows] = rng.choice(own, size=len(rows), p=share / share.sum())
    return chosen


def _survival(curve: Curve, use: Use, people: pd.DataFrame, day: float) -> np.ndarray:
    """Give the probability of no relapse up to a day, before the outcome is known."""
    p_response, p_remission = people["p_response"].to_numpy(), people["p_remission"].to_numpy()
    among_others = 1 - _never_abstinent(use, p_response)
    chance = {
        "remitted": p_remission,
        "responded": p_response - p_remission,
        "others": (1 - p_response) * among_others,
    }
    log_hazard = people["log_hazard"].to_numpy()
    total = np.zeros(len(people))
    for stratum in use.strata:
        high = curve.survival(stratum.start_day, log_hazard)
        low = curve.survival(stratum.end_day, log_hazard)
        within = np.clip((curve.survival(day, log_hazard) - low) / (high - low), 0, 1)
        total += chance[stratum.of] * stratum.share * within
    return total
