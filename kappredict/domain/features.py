"""What a feature is: its column's meaning, and the definitions in `configs/features/`."""

from typing import Literal

from pydantic import Field

from kappredict.domain.base import Definition, Sourced

Kind = Literal["numeric", "category", "flag"]
Aggregate = Literal[
    "last", "first", "change", "slope", "variability", "count", "recency", "early_change"
]


Direction = Literal["rising", "falling"]


class Monotone(Sourced):
    """What the field is sure of: which way a good outcome goes as a number rises.

    `rising`: as the number rises, the chance of response, remission or staying well never falls;
    `falling`: it never rises. It holds in `conditions`, or, where there are none, in all.
    """

    direction: Direction
    conditions: tuple[str, ...] = ()

    def holds_in(self, condition: str | None) -> bool:
        """Tell whether it holds in a condition; None stands for all conditions together.

        >>> falling = Monotone(mark="memory", direction="falling", conditions=("a",))
        >>> falling.holds_in("a"), falling.holds_in(None)
        (True, False)
        """
        return not self.conditions or condition in self.conditions


class MonotoneTotal(Monotone):
    """A direction of one aggregate of an instrument's totals."""

    aggregate: Aggregate


class HistoryFeature(Definition):
    """A count, flag or value of matching rows of `history` (`configs/features/history.yaml`).

    `codes` match exactly or as a prefix that ends in `*`. `when_absent: missing` means that a
    patient with no matching row was not asked (a row of value 0 says "asked, and no"); `zero` means
    that the absence of a row is a no.
    """

    id: str
    label: str
    group: str
    kind: Literal["diagnosis", "medication", "substance", "procedure", "family", "event"]
    codes: tuple[str, ...] = Field(min_length=1)
    outcomes: tuple[Literal["failed", "partial", "responded", "stopped"], ...] = ()
    measure: Literal["flag", "count", "value"]
    unit: str = ""
    lookback_days: float | None = None
    when_absent: Literal["zero", "missing"]
    monotone: Monotone | None = None

    def matches(self, code: str) -> bool:
        """Tell whether a code is one of the feature's, exactly or by a prefix that ends in `*`."""
        return any(
            code.startswith(wanted[:-1]) if wanted.endswith("*") else code == wanted
            for wanted in self.codes
        )


class ColumnFeature(Definition):
    """A column of `patients` or `courses` that is a feature (`configs/features/columns.yaml`).

    Patients below `meant_from` are not those whom predictions are meant for: they get none.
    """

    table: Literal["patients", "courses"]
    column: str
    label: str
    group: str
    kind: Kind
    unit: str = ""
    meant_from: float | None = None
    monotone: Monotone | None = None


class AggregateFeature(Definition):
    """An aggregate of an instrument's totals (`configs/features/assessments.yaml`)."""

    aggregate: Aggregate
    label: str
    unit: str = ""


class DeliveredFeature(Definition):
    """An aggregate of the sessions held before the landmark (`configs/features/sessions.yaml`)."""

    id: str
    label: str
    group: str
    kinds: tuple[Literal["preparation", "dosing", "integration", "maintenance"], ...]
    column: Literal["day", "dose_mg_per_kg", "minutes"]
    aggregate: Literal["count", "mean", "max", "recency"]
    unit: str = ""


class FeatureDefinitions(Definition):
    """All of `configs/features/`."""

    columns: tuple[ColumnFeature, ...]
    aggregates: tuple[AggregateFeature, ...]
    items: bool
    history: tuple[HistoryFeature, ...]
    sessions: tuple[DeliveredFeature, ...]
    assessment_lookback_days: float | None = None


class TotalFeature(Definition):
    """One aggregate of one instrument's totals."""

    instrument: str
    aggregate: Aggregate
    lookback_days: float | None = None


class ItemFeature(Definition):
    """The last value of one item of an instrument."""

    instrument: str
    item: str
    lookback_days: float | None = None


Recipe = TotalFeature | ItemFeature | HistoryFeature | ColumnFeature | DeliveredFeature


class FeatureSpec(Definition):
    """One column of a feature table, with the recipe that makes it.

    `group` is the clinical idea it belongs to: all columns of a group make one row of an
    explanation. `monotone` is the direction that holds for the task's condition.
    """

    name: str
    label: str
    kind: Kind
    group: str
    unit: str = ""
    monotone: Direction | None = None
    recipe: Recipe
