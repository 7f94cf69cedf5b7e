"""Outcome rules: small classes that tell, for each visit, whether something holds.

A rule answers True, False or NA. NA means "not assessed": a missing score is never read as
non-response, because people who do badly are the likelier to be lost.

Every rule reads one frame of visits, sorted by `course_id` and `day`, with the columns

- `score`: the score at the visit (NaN where none was taken),
- `baseline`: the course's last score before its first dose,
- `best`: the course's best score since its relapse clock started, up to this visit,
- `event`: the code of an event of the history on that day; NA where the row is a visit.
"""

from __future__ import annotations

import operator
from functools import reduce
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from kappredict.domain.base import Definition

if TYPE_CHECKING:
    import pandas as pd


def _compare(result: pd.Series, *needs: pd.Series) -> pd.Series:
    """Turn a comparison into True, False or NA, where NA is any missing ingredient."""
    missing = reduce(operator.or_, (one.isna() for one in needs))
    return result.astype("boolean").mask(missing)


def _fall(visits: pd.DataFrame) -> pd.Series:
    """Give the fall from baseline; missing where the baseline is 0, which has no fractions."""
    return (visits["baseline"] - visits["score"]).where(visits["baseline"] > 0)


class FallByFraction(Definition):
    """The score fell by at least `fraction` of its baseline value."""

    rule: Literal["fall_by_fraction"]
    fraction: float = Field(gt=0, le=1)

    def holds(self, visits: pd.DataFrame) -> pd.Series:
        """Judge each visit."""
        fall = _fall(visits)
        return _compare(fall >= self.fraction * visits["baseline"], fall)


class FallByPoints(Definition):
    """The score fell by at least `points` from its baseline value."""

    rule: Literal["fall_by_points"]
    points: float = Field(gt=0)

    def holds(self, visits: pd.DataFrame) -> pd.Series:
        """Judge each visit."""
        fall = visits["baseline"] - visits["score"]
        return _compare(fall >= self.points, fall)


class FallLostBelowFraction(Definition):
    """The fall from baseline is now smaller than `fraction` of it: the response is lost."""

    rule: Literal["fall_lost_below_fraction"]
    fraction: float = Field(gt=0, le=1)

    def holds(self, visits: pd.DataFrame) -> pd.Series:
        """Judge each visit."""
        fall = _fall(visits)
        return _compare(fall < self.fraction * visits["baseline"], fall)


class RiseByPoints(Definition):
    """The score rose by at least `points` from its best value since the relapse clock started."""

    rule: Literal["rise_by_points"]
    points: float = Field(gt=0)

    def holds(self, visits: pd.DataFrame) -> pd.Series:
        """Judge each visit."""
        rise = visits["score"] - visits["best"]
        return _compare(rise >= self.points, rise)


class Below(Definition):
    """The score is below `score`."""

    rule: Literal["below"]
    score: float

    def holds(self, visits: pd.DataFrame) -> pd.Series:
        """Judge each visit."""
        return _compare(visits["score"] < self.score, visits["score"])


class AtMost(Definition):
    """The score is `score` or less."""

    rule: Literal["at_most"]
    score: float

    def holds(self, visits: pd.DataFrame) -> pd.Series:
        """Judge each visit."""
        return _compare(visits["score"] <= self.score, visits["score"])


class AtLeast(Definition):
    """The score is `score` or more."""

    rule: Literal["at_least"]
    score: float

    def holds(self, visits: pd.DataFrame) -> pd.Series:
        """Judge each visit."""
        return _compare(visits["score"] >= self.score, visits["score"])


class EventInHistory(Definition):
    """An event of the history (such as an admission) with one of these codes happened."""

    rule: Literal["event_in_history"]
    codes: tuple[str, ...] = Field(min_length=1)

    def holds(self, visits: pd.DataFrame) -> pd.Series:
        """Judge each visit; a row that is a visit and no event answers False."""
        return visits["event"].isin(self.codes).astype("boolean")


class AnyOf(Definition):
    """At least one of the rules holds."""

    rule: Literal["any_of"]
    of: tuple[Rule, ...] = Field(min_length=1)

    def holds(self, visits: pd.DataFrame) -> pd.Series:
        """Judge each visit; NA only where none holds and one was not assessed (Kleene)."""
        answers = self.of[0].holds(visits)
        for rule in self.of[1:]:
            answers = answers | rule.holds(visits)
        return answers


class AllOf(Definition):
    """All of the rules hold."""

    rule: Literal["all_of"]
    of: tuple[Rule, ...] = Field(min_length=1)

    def holds(self, visits: pd.DataFrame) -> pd.Series:
        """Judge each visit; NA only where none fails and one was not assessed (Kleene)."""
        answers = self.of[0].holds(visits)
        for rule in self.of[1:]:
            answers = answers & rule.holds(visits)
        return answers


class Consecutive(Definition):
    """The rule holds at this visit and at the next `visits - 1` visits of the same course.

    It answers at the *first* visit of the run, which is when the outcome began. A run cut short by
    the end of observation is NA: whether it would have gone on was not seen.
    """

    rule: Literal["consecutive"]
    visits: int = Field(ge=2)
    of: Rule

    def holds(self, visits: pd.DataFrame) -> pd.Series:
        """Judge each visit; rows that are events and not visits are passed over."""
        seen = visits[visits["event"].isna()]
        once = self.of.holds(seen)
        answers = once
        for ahead in range(1, self.visits):
            answers = answers & once.groupby(seen["course_id"], sort=False).shift(-ahead)
        return answers.reindex(visits.index)


Rule = Annotated[
    FallByFraction
    | FallByPoints
    | FallLostBelowFraction
    | RiseByPoints
    | Below
    | AtMost
    | AtLeast
    | EventInHistory
    | AnyOf
    | AllOf
    | Consecutive,
    Field(discriminator="rule"),
]

for _nested in (AnyOf, AllOf, Consecutive):
    _nested.model_rebuild()


def thresholds(rule: Rule) -> list[float]:
    """List the scores that a rule compares with, so that they can be checked against a range."""
    match rule:
        case Below() | AtMost() | AtLeast():
            return [rule.score]
        case AnyOf() | AllOf():
            return [threshold for part in rule.of for threshold in thresholds(part)]
        case Consecutive():
            return thresholds(rule.of)
        case _:
            return []


def needs_baseline(rule: Rule) -> bool:
    """Tell whether a rule compares with the baseline score."""
    match rule:
        case FallByFraction() | FallByPoints() | FallLostBelowFraction():
            return True
        case AnyOf() | AllOf():
            return any(needs_baseline(part) for part in rule.of)
        case Consecutive():
            return needs_baseline(rule.of)
        case _:
            return False


def reads_scores(rule: Rule) -> bool:
    """Tell whether a rule reads scores at visits, and not events of the history alone."""
    match rule:
        case EventInHistory():
            return False
        case AnyOf() | AllOf():
            return any(reads_scores(part) for part in rule.of)
        case _:
            return True
