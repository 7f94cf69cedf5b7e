"""Scores over a course that is judged by a score, in agreement with its true outcome.

What is seen up to the second dose depends on early improvement and on nothing else of the outcome,
so that the true early probability is the best that can be had at that landmark. Scores after
response stay below the relapse rule until the true day of relapse, and above it from then on.
"""

import numpy as np
import pandas as pd
from scipy import special

from kappredict.data.simulation.allowed import lowest_relapse
from kappredict.data.simulation.parameters import Parameters
from kappredict.data.simulation.timeline import Timeline
from kappredict.data.simulation.truth import Drawn
from kappredict.domain.instruments import Instrument
from kappredict.domain.simulation import Fall, Scores

_BETWEEN_VISITS = 0.04  # SD of a score between visits, as a share of the instrument's range
_AFTER_DOSE_DAYS = (0.4, 0.95)  # the next day, before an early landmark one day after a dose
_EARLIER_VISITS = (1.0, 0.5, 0.25)  # share of people with one, two and three visits before dosing


def draw_scores(
    parameters: Parameters,
    drawn: Drawn,
    timeline: Timeline,
    baseline_days: np.ndarray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw the scores of the primary instrument.

    Parameters
    ----------
    baseline_days
        Days of the visits before the first dose, last one first; a row per course.
    """
    outcome = drawn.scores
    scale = parameters.definition_of(drawn.condition).primary
    instrument = parameters.catalogue.instruments[scale.instrument]
    path = _Path(outcome, instrument, drawn.people, rng)
    end = path.draw_end()
    lowest = lowest_relapse(
        scale, instrument.range_of(scale.item), path.baseline, np.minimum(end, path.baseline)
    )
    parts = [
        path.before_doses(baseline_days),
        path.after_doses(timeline, end, parameters.frame.missing.after_dose),
        path.rows(timeline.clock_day, end, ~timeline.lost),
        *path.follow_up(timeline, end, lowest, parameters.frame.missing.followed),
    ]
    if outcome.items:
        parts.append(path.items(baseline_days[:, 0], instrument, parameters.frame.missing.item))
    rows = pd.concat(parts, ignore_index=True)
    item = rows["item"].fillna(scale.item) if scale.item else rows["item"]
    return rows.assign(instrument=instrument.id, item=item)


class _Path:
    """The scores of the courses of one condition as they are drawn, visit after visit."""

    def __init__(
        self,
        outcome: Scores,
        instrument: Instrument,
        people: pd.DataFrame,
        rng: np.random.Generator,
    ) -> None:
        self.outcome = outcome
        self.people = people
        self.rng = rng
        self.top = instrument.total.high
        self.bottom = instrument.total.low
        self.baseline = people[outcome.variable].to_numpy(dtype=float)
        self.unit = self.baseline if outcome.falls_in == "fractions" else np.ones(len(people))

    def rows(self, day: np.ndarray, value: np.ndarray, seen: np.ndarray) -> pd.DataFrame:
        """Make the rows of one visit, for those who were seen."""
        return pd.DataFrame(
            {
                "number": self.people.index.to_numpy()[seen],
                "day": day[seen],
                "value": value[seen],
                "item": pd.Series(np.nan, index=range(int(seen.sum())), dtype="str"),
            }
        )

    def fall(self, fall: Fall, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Draw scores that fell from the baseline, between the lowest and the highest allowed."""
        mean, sd = self.baseline - fall.mean * self.unit, fall.sd * self.unit
        ends = special.ndtr((np.stack([low - 0.5, high + 0.5]) - mean) / sd)
        place = ends[0] + self.rng.random(len(mean)) * (ends[1] - ends[0])
        with np.errstate(invalid="ignore"):
            drawn = mean + sd * special.ndtri(place)
        return np.clip(np.round(drawn), low, np.maximum(low, high))

    def draw_end(self) -> np.ndarray:
        """Draw the end-of-course score in agreement with response and remission."""
        people, everywhere = self.people, np.full(len(self.people), self.bottom)
        response, remission = people["response"].to_numpy(), people["remission"].to_numpy()
        highest = people["highest_response"].to_numpy()
        low = np.where(remission, everywhere, people["highest_remission"].to_numpy() + 1)
        high = np.where(remission, people["highest_remission"].to_numpy(), highest)
        well = self.fall(self.outcome.responders, low, high)
        worst = np.minimum(self.top, np.floor(self.baseline - self.outcome.worst_fall * self.unit))
        ill = self.fall(self.outcome.others, people["lowest_neither"].to_numpy(), worst)
        return np.where(response, well, ill)

    def before_doses(self, days: np.ndarray) -> pd.DataFrame:
        """Draw the visits before the first dose; the last shows the baseline itself."""
        parts = [self.rows(days[:, 0], self.baseline, np.ones(len(days), dtype=bool))]
        many = self.rng.random(len(days))
        for visit, share in enumerate(_EARLIER_VISITS[1:], start=1):
            value = self._nearby(self.baseline, self.bottom, self.top)
            parts.append(self.rows(days[:, visit], value, many < share))
        return pd.concat(parts)

    def after_doses(self, timeline: Timeline, end: np.ndarray, missing: float) -> pd.DataFrame:
        """Draw a score on the day after each dose: early improvement, then towards the end."""
        early = self.outcome.early
        improved = self.people[early.variable].to_numpy() > 0
        held = np.sum(~np.isnan(timeline.dose_days), axis=1)
        at_once = improved & ((self.rng.random(len(end)) < early.at_first_dose) | (held == 1))
        parts, second = [], self._early(improved)
        for dose in range(timeline.dose_days.shape[1]):
            share = np.clip((dose - 1) / np.maximum(held - 1, 1), 0, 1)
            later = self._nearby(second + share * (end - second), self.bottom, self.top)
            value = [self._early(at_once), second, later][min(dose, 2)]
            wait = self.rng.uniform(*_AFTER_DOSE_DAYS, len(end))
            day = np.round(timeline.dose_days[:, dose] + wait, 3)
            seen = ~np.isnan(day) & (self.rng.random(len(end)) >= missing)
            parts.append(self.rows(day, value, seen))
        return pd.concat(parts)

    def _early(self, improved: np.ndarray) -> np.ndarray:
        """Draw a score that has, or has not, fallen by as much as early improvement asks."""
        early = self.outcome.early
        edge = np.floor(self.baseline * (1 - early.fall) + 1e-9)
        lowest, highest = np.full(len(edge), self.bottom), np.full(len(edge), self.top)
        return np.where(
            improved,
            self.fall(early.improved, lowest, edge),
            self.fall(early.others, edge + 1, highest),
        )

    def follow_up(
        self, timeline: Timeline, end: np.ndarray, lowest: np.ndarray, followed: dict[str, float]
    ) -> list[pd.DataFrame]:
        """Draw follow-up visits: well until relapse, ill after it, as at the end if never well."""
        people, rng = self.people, self.rng
        rate = people["setting"].map(followed).to_numpy(dtype=float)
        responded = people["response"].to_numpy()
        parts = []
        for planned in self.outcome.follow_up_days:
            since = planned + rng.uniform(-1, 5, len(end))
            well = self._nearby(end, end, np.maximum(lowest - 1, end))
            relapsed = self.fall(self.outcome.relapsed, lowest, np.full(len(end), self.top))
            never = self._nearby(end, people["lowest_neither"].to_numpy(), self.top)
            fell_ill = since >= people["relapse_day"].to_numpy()
            value = np.where(responded, np.where(fell_ill, relapsed, well), never)
            kept = 0.8 * timeline.willing + 0.6 * rng.standard_normal(len(end))
            day = np.round(timeline.clock_day + since, 3)
            parts.append(self.rows(day, value, kept < special.ndtri(rate)))
        return parts

    def _nearby(
        self, value: np.ndarray, low: float | np.ndarray, high: float | np.ndarray
    ) -> np.ndarray:
        noise = self.rng.normal(0, _BETWEEN_VISITS * (self.top - self.bottom), len(value))
        return np.clip(np.round(value + noise), low, high)

    def items(self, day: np.ndarray, instrument: Instrument, missing: float) -> pd.DataFrame:
        """Spread each baseline total over the items, at random; a few are left unanswered."""
        names = [item.id for item in instrument.items]
        most = int(instrument.range_of(names[0]).high)
        order = self.rng.random((len(day), len(names) * most)).argsort(axis=1).argsort(axis=1)
        marks = (order < self.baseline[:, None]).reshape(len(day), len(names), most)
        answers = marks.sum(axis=2).astype(float)
        answered = self.rng.random(answers.shape) >= missing
        course, item = np.nonzero(answered)
        return pd.DataFrame(
            {
                "number": self.people.index.to_numpy()[course],
                "day": day[course],
                "value": answers[course, item],
                "item": pd.Series(names, dtype="str").take(item).reset_index(drop=True),
            }
        )
