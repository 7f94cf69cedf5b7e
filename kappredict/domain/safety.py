"""Safety flags: what a clinician must judge before a dose, and what in a record brings one up.

A flag is context. It never raises, lowers or withholds a prediction, and it is no advice.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from kappredict.domain.base import Definition, Sourced

Record = Mapping[str, Any]


class ScoreAbove(Definition):
    """The latest score on an instrument, or on one item of it, lies above a figure."""

    when: Literal["score_above"]
    instrument: str
    item: str = ""
    above: float

    def holds(self, record: Record) -> bool:
        """Look at the latest such score of a record; one that is not there does not hold."""
        mine = [
            one
            for one in record.get("assessments", ())
            if one["instrument"] == self.instrument and (one.get("item") or "") == self.item
        ]
        return bool(mine) and max(mine, key=lambda one: one["day"])["value"] > self.above


class PlannedAs(Definition):
    """The course is planned so: a column of `courses` has one of these levels."""

    when: Literal["planned_as"]
    column: str
    levels: tuple[str, ...] = Field(min_length=1)

    def holds(self, record: Record) -> bool:
        """Look at the record's course."""
        return record["course"].get(self.column) in self.levels


RaisedBy = Annotated[ScoreAbove | PlannedAs, Field(discriminator="when")]


class SafetyFlag(Sourced):
    """One thing to judge, and what in a record raises it: any one of these; nothing, for most.

    `urgent` ones are said before anything else.
    """

    id: str
    label: str
    text: str = ""
    urgent: bool = False
    raised_by: tuple[RaisedBy, ...] = ()

    def is_raised(self, record: Record) -> bool:
        """Tell whether something in a checked patient record raises it.

        >>> flag = SafetyFlag(id="a", label="a", mark="memory", raised_by=(
        ...     PlannedAs(when="planned_as", column="planned_route", levels=("intranasal",)),))
        >>> flag.is_raised({"course": {"planned_route": "intranasal"}})
        True
        """
        return any(one.holds(record) for one in self.raised_by)
