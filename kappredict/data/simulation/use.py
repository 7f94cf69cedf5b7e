"""Screens and diaries over a course that is judged by use, in agreement with its true outcome.

There is no use before the true day of relapse, some at the first visit after it and at most visits
from then on, until a person is abstinent again. Where remission is judged on another item than
response (any drinking, and not only heavy drinking), it counts lapses as well. The true early
probability leaves out what screens show by then: use in the first week may already settle it.
"""

import numpy as np
import pandas as pd

from kappredict.data.simulation.parameters import Parameters
from kappredict.data.simulation.timeline import Timeline
from kappredict.data.simulation.truth import Drawn
from kappredict.domain.conditions import Condition
from kappredict.domain.simulation import Use
from kappredict.domain.windows import AssessmentWindow


def draw_use(
    parameters: Parameters,
    drawn: Drawn,
    timeline: Timeline,
    baseline_days: np.ndarray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw what the screens or diaries of each visit show, before and after the first dose."""
    outcome = drawn.use
    definition = parameters.definition_of(drawn.condition)
    every = definition.visits.every_days if definition.visits else outcome.visits_every_days
    visits = np.arange(1, int(outcome.visits_until_day // every) + 1)
    since = every * visits - rng.uniform(0.02, 0.4, (len(drawn.people), len(visits)))
    telling, used = _used(outcome, definition, drawn.people, since, rng)
    lapsed = _lapsed(outcome, definition, drawn.people, since, rng) & ~used
    day = np.round(timeline.index_day[:, None] + since, 3)
    seen = telling | (rng.random(day.shape) < outcome.attended)
    number = drawn.people.index.to_numpy()
    before = _used_before(outcome, drawn.people, rng)
    scale = definition.primary
    parts = []
    for item in dict.fromkeys(_items(definition)):
        most = parameters.catalogue.instruments[scale.instrument].range_of(item).high
        shown = used if item == _items(definition)[0] else used | lapsed
        heavy = _amounts(used, most, outcome.days_in_use, rng)
        value = np.where(used, heavy, np.where(shown, _amounts(shown, most, 0.1, rng), 0.0))
        parts.append(_rows(number, day, value, seen, item))
        first = np.ones((len(number), 1), dtype=bool)
        prior = np.minimum(before * (1 if item == _items(definition)[0] else 1.2), most)
        parts.append(_rows(number, baseline_days[:, :1], np.floor(prior)[:, None], first, item))
    return pd.concat(parts, ignore_index=True).assign(instrument=scale.instrument)


def _items(definition: Condition) -> tuple[str, str]:
    """Name the items on which response and remission are judged."""
    scale = definition.primary
    return scale.response.item or scale.item, scale.remission.item or scale.item


def _used(
    outcome: Use,
    definition: Condition,
    people: pd.DataFrame,
    since: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Tell at which visits use settles an outcome, and at which there is use that is a relapse.

    A visit that settles an outcome is always kept: what is seen never contradicts the truth.
    """
    relapse = people["relapse_day"].to_numpy()[:, None]
    back = people["back_by"].fillna(np.inf).to_numpy()[:, None]
    after = (since >= relapse) & (since < back)
    first = after & (np.cumsum(after, axis=1) == 1)
    response, remission = people["response"].to_numpy(), people["remission"].to_numpy()
    telling = first | _last_inside(after, since, definition.window_of("response"), ~response)
    if len(set(_items(definition))) == 1:
        telling |= _last_inside(after, since, definition.window_of("remission"), ~remission)
    return telling, telling | (after & (rng.random(since.shape) < outcome.often))


def _lapsed(
    outcome: Use,
    definition: Condition,
    people: pd.DataFrame,
    since: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Tell at which visits there is use too light to count as relapse; remitters have none."""
    if len(set(_items(definition))) == 1:
        return np.zeros(since.shape, dtype=bool)
    window = definition.window_of("remission")
    inside = (since >= window.start_day) & (since <= window.end_day)
    remission = people["remission"].to_numpy()[:, None]
    return ~remission & (inside | (rng.random(since.shape) < outcome.lapses))


def _last_inside(
    after: np.ndarray, since: np.ndarray, window: AssessmentWindow, failed: np.ndarray
) -> np.ndarray:
    """Mark the last visit after relapse in the window, of those who failed there."""
    inside = after & (since >= window.start_day) & (since <= window.end_day)
    last = inside & (np.cumsum(inside[:, ::-1], axis=1)[:, ::-1] == 1)
    return last & failed[:, None]


def _used_before(outcome: Use, people: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    if outcome.variable is not None:
        return people[outcome.variable].to_numpy(dtype=float)
    return (rng.random(len(people)) < outcome.used_before).astype(float)


def _amounts(used: np.ndarray, most: float, share: float, rng: np.random.Generator) -> np.ndarray:
    """Draw how many days were used, at least one; a screen is only positive."""
    if most <= 1:
        return used.astype(float)
    return 1.0 + rng.binomial(int(most) - 1, share, used.shape)


def _rows(
    number: np.ndarray, day: np.ndarray, value: np.ndarray, seen: np.ndarray, item: str
) -> pd.DataFrame:
    course, visit = np.nonzero(seen)
    return pd.DataFrame(
        {
            "number": number[course],
            "day": day[course, visit],
            "value": value[course, visit],
            "item": pd.Series(item, index=range(len(course)), dtype="str"),
        }
    )
