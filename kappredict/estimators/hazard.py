"""Relapse as a hazard that is constant between days, beside the hazard of competing events.

Time is cut where relapses were seen, and each stretch has its own rate: the discrete-time view of
survival (Friedman 1982; Singer and Willett 1993). A better margin lowers the rate of relapse on all
days alike. What ends the wait otherwise (death, another treatment) has rates of its own, so that
"no relapse by a day" is one minus the cumulative incidence (Aalen-Johansen), not one minus
Kaplan-Meier. A relapse counts on the day on which it was seen, as it does in every figure.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

_MOST_STRETCHES = 24
_STEEPEST = 12.0
_SOONEST = 0.5
# Days without a relapse that end a visit's.
_GAP = 5.0


@dataclass(frozen=True)
class Baseline:
    """Rates per day: `rates[k]` holds up to `ends[k]` from the end before, the last for ever."""

    ends: tuple[float, ...]
    rates: tuple[float, ...]

    @classmethod
    def fit(
        cls, ends: np.ndarray, seen: np.ndarray, happened: np.ndarray, exposure: np.ndarray
    ) -> "Baseline":
        """Divide what happened in each stretch by the time at risk in it (Breslow 1974).

        A stretch in which nothing happened is given half an event at the mean rate, so that no
        rate is 0 for having been looked at briefly; where nothing ever happened all rates are 0.

        Parameters
        ----------
        happened
            The weight of each row's event; 0 where there was none.
        exposure
            What each row's day at risk counts: its weight times its relative hazard.
        """
        events = np.bincount(np.searchsorted(ends, seen), happened, len(ends) + 1)[: len(ends)]
        at_risk = exposure @ time_in(ends, seen)
        if not events.any():
            return cls(tuple(ends.tolist()), (0.0,) * len(ends))
        mean = events.sum() / at_risk.sum()
        seldom = 0.5 / (at_risk + 0.5 / mean)
        rates = np.divide(events, at_risk, out=seldom, where=events > 0)
        return cls(tuple(ends.tolist()), tuple(rates.tolist()))

    def cumulative(self, days: np.ndarray) -> np.ndarray:
        """Give the rates added up to each day."""
        beyond = np.clip(days - self.ends[-1], 0, None) * self.rates[-1]
        return time_in(np.array(self.ends), days) @ np.array(self.rates) + beyond

    def at(self, days: np.ndarray) -> np.ndarray:
        """Give the rate on each day."""
        place = np.searchsorted(self.ends, days)
        return np.array(self.rates)[np.minimum(place, len(self.rates) - 1)]


@dataclass(frozen=True)
class HazardCalibration:
    """Rate of relapse: baseline × exp(−(`intercept` + `slope` × margin)); competing rates apart."""

    # By how much a new place may differ in level and in slope: as for log-odds, in log rates.
    CHANGES: ClassVar[tuple[float, ...]] = (1.0, 0.5)

    intercept: float
    slope: float
    relapse: Baseline
    competing: Baseline

    @classmethod
    def fit(
        cls, margins: np.ndarray, seen: np.ndarray, event: np.ndarray, weights: np.ndarray
    ) -> "HazardCalibration":
        """Fit by maximum likelihood, with the slope not below 0; intercept makes the mean margin 0.

        Parameters
        ----------
        seen, event
            The day each wait was last seen, and what was seen: 0 nothing, 1 relapse, 2 … other.
        """
        from scipy.optimize import minimize_scalar

        seen = np.maximum(seen, _SOONEST)
        ends = stretches(seen, event == 1)
        time = time_in(ends, seen)
        centred = margins - np.average(margins, weights=weights)
        spread = centred.std()
        relapsed = weights * (event == 1)

        def loss(slope: float) -> float:
            exposure = weights * np.exp(-slope * centred)
            rates = Baseline.fit(ends, seen, relapsed, exposure)
            likelihood = relapsed @ (np.log(rates.at(seen)) - slope * centred)
            return float(exposure @ time @ np.array(rates.rates) - likelihood)

        slope = 0.0
        if spread > 1e-9 and relapsed.any():
            bounds = (0.0, _STEEPEST / spread)
            slope = float(minimize_scalar(loss, bounds=bounds, method="bounded").x)
        exposure = weights * np.exp(-slope * centred)
        return cls(
            float(-slope * np.average(margins, weights=weights)),
            slope,
            Baseline.fit(ends, seen, relapsed, exposure),
            Baseline.fit(ends, seen, weights * (event > 1), weights),
        )

    def margin(self, margins: np.ndarray) -> np.ndarray:
        """Give the calibrated margin: minus the log of the relative hazard."""
        return self.intercept + self.slope * margins

    def survival(self, margins: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Give the probability of no relapse by each day (rows × days)."""
        return self.at(self.margin(margins), days)

    def at(self, calibrated: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Give the probability of no relapse by each day (rows × days) at calibrated margins."""
        length, relapse, competing, last = _stretches_to(self.relapse, self.competing, tuple(days))
        hazard = np.exp(np.clip(-calibrated, -50, 50))[:, None] * relapse
        either = hazard + competing
        ended = -np.expm1(-either * length)
        waiting = np.exp(-np.cumsum(either * length, axis=1) + either * length)
        share = np.divide(hazard, either, out=np.zeros_like(hazard), where=either > 0)
        incidence = np.cumsum(waiting * ended * share, axis=1)
        # Rounding may take a sum of parts a hair beyond the whole.
        return np.clip(1 - incidence[:, last], 0.0, 1.0)

    def chance(self, margins: np.ndarray, day: float) -> np.ndarray:
        """Give the probability of relapse by a day."""
        return 1 - self.survival(margins, np.array([day]))[:, 0]

    def changed(self, change: np.ndarray, centre: float) -> "HazardCalibration":
        """Move and stretch calibrated margins as `LogitCalibration` does log-odds."""
        level, stretch = centre + change[0], 1 + change[1]
        return HazardCalibration(
            float(level + stretch * (self.intercept - centre)),
            float(stretch * self.slope),
            self.relapse,
            self.competing,
        )

    def to_json(self) -> dict[str, Any]:
        """Give the numbers as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "HazardCalibration":
        """Read what `to_json` gave."""
        relapse, competing = (
            Baseline(*(tuple(content[name][part]) for part in ("ends", "rates")))
            for name in ("relapse", "competing")
        )
        return cls(content["intercept"], content["slope"], relapse, competing)


@lru_cache(maxsize=1024)  # a service asks the same of each patient
def _stretches_to(
    relapse: Baseline, competing: Baseline, days: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cut time at some days, too: lengths, both rates, and the stretch that ends on each day."""
    cuts = np.unique(np.concatenate([relapse.ends, days]))
    length = np.diff(cuts, prepend=0.0)
    return length, relapse.at(cuts), competing.at(cuts), np.searchsorted(cuts, days)


def stretches(seen: np.ndarray, relapsed: np.ndarray) -> np.ndarray:
    """Cut time where relapses were seen: 24 stretches with as many relapses in each.

    Visits fall on the same days. There is a cut after each of them, too, before a time in which
    nothing was seen: no relapse of a visit may be left for the days up to the next one.
    """
    days = np.sort(seen[relapsed] if relapsed.any() else seen)
    shares = np.linspace(0, 1, _MOST_STRETCHES + 1)[1:]
    even = np.quantile(days, shares, method="inverted_cdf")
    before_gaps = days[:-1][np.diff(days) > _GAP]
    return np.unique(np.concatenate([even, before_gaps, [seen.max()]]))


def time_in(ends: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Give the days that each row spent in each stretch (rows × stretches)."""
    starts = np.append(0.0, ends[:-1])
    return np.clip(days[:, None], starts, ends) - starts
