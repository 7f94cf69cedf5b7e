"""Days and moments: windows that a score must lie in, and moments at which a prediction is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from kappredict.domain.base import Definition

if TYPE_CHECKING:
    import pandas as pd

Anchor = Literal["index_day", "dose", "last_dose"]


class Window(Definition):
    """The days from `start_day` to `end_day`, both included.

    >>> import pandas as pd
    >>> Window(start_day=-365, end_day=0).contains(pd.Series([-366, -365, 0, 1])).tolist()
    [False, True, True, False]
    """

    start_day: float
    end_day: float

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if self.start_day > self.end_day:
            raise ValueError(f"starts on day {self.start_day}, after its end on day {self.end_day}")
        return self

    def contains(self, day: pd.Series) -> pd.Series:
        """Tell which days lie inside."""
        return day.between(self.start_day, self.end_day)


class Moment(Definition):
    """A moment of a course: `day` days after its index day, its n-th dose or its last dose.

    A course with fewer than `dose` doses counts from its last one; a course with no dosing session
    on record counts from its index day.
    """

    anchor: Anchor = "index_day"
    dose: int | None = None
    day: float = 0.0

    @model_validator(mode="after")
    def _dose_goes_with_its_anchor(self) -> Self:
        if (self.anchor == "dose") != (self.dose is not None):
            raise ValueError("`dose` is given exactly where the anchor is `dose`")
        return self


class AssessmentWindow(Window):
    """The days, after an anchor, in which response or remission is judged, and on which scores.

    `judged_on: last` takes the last score inside. `judged_on: every` asks that the rule holds at
    every visit inside; true only if one of them lies in the last `closing_days` of the window, so
    that somebody last seen early is not assessed rather than well.
    """

    anchor: Literal["index_day", "last_dose"] = "index_day"
    judged_on: Literal["last", "every"] = "last"
    closing_days: float = 0.0
