"""What is searched of a candidate: each of its settings that may vary, and between what bounds."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Range(BaseModel):
    """Any number from `low` to `high`, both included; with `log`, every power of ten alike."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: float
    high: float
    log: bool = False

    @model_validator(mode="after")
    def _is_a_range(self) -> "Range":
        if not self.low < self.high:
            raise ValueError(f"low ({self.low:g}) must be below high ({self.high:g})")
        if self.log and self.low <= 0:
            raise ValueError("with log, low must be above 0")
        return self

    @property
    def ends(self) -> tuple[float, ...]:
        """The values that a setting must allow for the range to make sense."""
        return (self.low, self.high)

    def holds(self, value: float) -> bool:
        """Whether a value lies in the range.

        >>> Range(low=1, high=4).holds(4)
        True
        """
        return self.low <= value <= self.high


class Choices(BaseModel):
    """One of some values; a single one holds a setting fixed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    choices: tuple[float, ...] = Field(min_length=1)

    @property
    def ends(self) -> tuple[float, ...]:
        """The values that a setting must allow for the choices to make sense."""
        return self.choices

    def holds(self, value: float) -> bool:
        """Whether a value is one of them."""
        return value in self.choices


Space = Mapping[str, Range | Choices]
"""Setting → what it may be; a setting that is not named stays as it is."""
