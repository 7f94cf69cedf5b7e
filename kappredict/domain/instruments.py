"""Instruments: items and their ranges, how a total is made, what a total means.

An administration's items become its total here and nowhere else. Items that must not be guessed
(PHQ-9 item 9, the C-SSRS) are never filled in: where one is missing the total may still be made
from the others only if the instrument allows it, and the item itself stays missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from kappredict.domain.base import Definition, Sourced
from kappredict.domain.features import MonotoneTotal

if TYPE_CHECKING:
    import pandas as pd


class Range(Definition):
    """The lowest and highest value that can be recorded."""

    low: float
    high: float

    @model_validator(mode="after")
    def _runs_upward(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low {self.low} lies above high {self.high}")
        return self


class Item(Definition):
    """One item of an instrument; a topic of one to three words, never its wording."""

    id: str
    topic: str = ""
    range: Range | None = None
    reverse_scored: bool = False
    never_filled_in: bool = False
    loinc: str | None = None


class Sum(Definition):
    """The sum of the items; up to `most_missing` are pro-rated: mean of the answered × items.

    The result is rounded, halves up, as a clinician does it by hand. (numpy rounds halves to even,
    which would make 4 of a 4.5, and remission of it.)
    """

    method: Literal["sum"]
    most_missing: int = Field(default=0, ge=0)

    def total(self, answers: np.ndarray, items: tuple[str, ...]) -> np.ndarray:
        """Add up each row of `answers` (one administration a row, one item a column)."""
        del items
        answered = (~np.isnan(answers)).sum(axis=1)
        total = np.nansum(answers, axis=1)
        count = answers.shape[1]
        prorated = np.floor(total * count / np.maximum(answered, 1) + 0.5)
        allowed = (answered > 0) & (count - answered <= self.most_missing)
        return np.where(allowed, np.where(answered == count, total, prorated), np.nan)


class Mean(Definition):
    """The mean of the answered items, with up to `most_missing` missing."""

    method: Literal["mean"]
    most_missing: int = Field(default=0, ge=0)

    def total(self, answers: np.ndarray, items: tuple[str, ...]) -> np.ndarray:
        """Average each row of `answers`."""
        del items
        answered = (~np.isnan(answers)).sum(axis=1)
        mean = np.nansum(answers, axis=1) / np.maximum(answered, 1)
        allowed = (answered > 0) & (answers.shape[1] - answered <= self.most_missing)
        return np.where(allowed, mean, np.nan)


class SumOfMaxima(Definition):
    """The sum of each domain's highest item; a domain is missing if all its items are."""

    method: Literal["sum_of_maxima"]
    domains: tuple[tuple[str, ...], ...]
    most_missing: int = Field(default=0, ge=0)

    def total(self, answers: np.ndarray, items: tuple[str, ...]) -> np.ndarray:
        """Add up the domains of each row of `answers`; `most_missing` counts domains."""
        highest = [
            np.fmax.reduce(answers[:, [items.index(one) for one in names]], axis=1)
            for names in self.domains
        ]
        summed = Sum(method="sum", most_missing=self.most_missing)
        return summed.total(np.column_stack(highest), items)


class AnyPositive(Definition):
    """1 if any item is positive, 0 if all were tested and none is, else missing."""

    method: Literal["any_positive"]

    def total(self, answers: np.ndarray, items: tuple[str, ...]) -> np.ndarray:
        """Look for a positive item in each row of `answers`."""
        del items
        positive = (answers > 0).any(axis=1)
        tested = ~np.isnan(answers).any(axis=1)
        return np.where(positive | tested, np.minimum(np.fmax.reduce(answers, axis=1), 1), np.nan)


class HighestPositive(Definition):
    """The number of the last item answered yes, 0 if none.

    It is missing where a later item was not answered, which might have been a yes. An earlier one
    cannot change it: nobody's intent is hidden by a question left out before it.
    """

    method: Literal["highest_positive"]
    items: int = Field(gt=0)

    def total(self, answers: np.ndarray, items: tuple[str, ...]) -> np.ndarray:
        """Look for the highest positive among the first `items` columns of each row."""
        del items
        graded = answers[:, : self.items]
        places = np.arange(1, self.items + 1)
        highest = ((graded > 0) * places).max(axis=1)
        last_unknown = (np.isnan(graded) * places).max(axis=1)
        return np.where(last_unknown < np.maximum(highest, 1), highest, np.nan)


class AsRecorded(Definition):
    """No total is made from items: it is recorded as such, or only the items are used."""

    method: Literal["as_recorded"]

    def total(self, answers: np.ndarray, items: tuple[str, ...]) -> np.ndarray:
        """Answer missing for each row of `answers`."""
        del items
        return np.full(len(answers), np.nan)


Scoring = Annotated[
    Sum | Mean | SumOfMaxima | AnyPositive | HighestPositive | AsRecorded,
    Field(discriminator="method"),
]


class Band(Definition):
    """A named stretch of total scores, both ends included."""

    label: str
    low: float
    high: float


class Bands(Sourced):
    """Severity bands, from mildest to most severe; they meet without gap or overlap."""

    levels: tuple[Band, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _meet(self) -> Self:
        for below, above in zip(self.levels, self.levels[1:], strict=False):
            if above.low <= below.high:
                raise ValueError(f"band '{above.label}' overlaps band '{below.label}'")
        return self

    def label_of(self, score: float) -> str:
        """Name the band of a score.

        >>> bands = Bands(mark="memory", levels=(Band(label="mild", low=0, high=9),
        ...                                      Band(label="severe", low=10, high=27)))
        >>> bands.label_of(21), bands.label_of(9.4)
        ('severe', 'mild')
        """
        reached = [band.label for band in self.levels if score >= band.low]
        return reached[-1] if reached else self.levels[0].label


class CutOff(Sourced):
    """A score at or above which something is taken to be present."""

    score: float
    meaning: str


class Change(Sourced):
    """A change in points that matters: beyond measurement error, or important to people."""

    points: float = Field(gt=0)


class Codes(Definition):
    """LOINC codes of an instrument, with how far they were checked."""

    panel: str | None = None
    total: str | None = None
    status: str = ""


class Instrument(Definition):
    """One instrument: a questionnaire, an interview, a urine screen or a diary.

    `total` is the range of the total; `item_range` that of each item unless the item has its own.
    `direction` says which way is worse; `in_session` marks what is measured during a dose;
    `monotone` which way a good outcome goes as an aggregate of its totals rises, where sure.
    """

    id: str
    name: str
    short_name: str
    rater: str
    unit: str = "points"
    recall: str
    direction: Literal["higher_is_worse", "higher_is_better", "neither"] = "higher_is_worse"
    in_session: bool = False
    items: tuple[Item, ...] = ()
    item_range: Range | None = None
    total: Range
    scoring: Scoring
    scoring_source: Sourced
    bands: Bands | None = None
    cut_offs: tuple[CutOff, ...] = ()
    reliable_change: Change | None = None
    important_change: Change | None = None
    monotone: tuple[MonotoneTotal, ...] = ()
    loinc: Codes = Codes()
    licence: str
    note: str = ""

    @model_validator(mode="after")
    def _items_have_ranges(self) -> Self:
        bare = [item.id for item in self.items if item.range is None and self.item_range is None]
        if bare:
            raise ValueError(f"items without a range: {', '.join(bare)}")
        names = [item.id for item in self.items]
        if len(set(names)) != len(names):
            raise ValueError("two items have the same id")
        return self

    def range_of(self, item: str) -> Range:
        """Give the range of an item, or of the total where `item` is empty."""
        if not item:
            return self.total
        found = next(one for one in self.items if one.id == item)
        chosen = found.range or self.item_range
        assert chosen is not None, "checked when the instrument was read"
        return chosen

    def score(self, items: pd.DataFrame) -> pd.Series:
        """Make totals from items.

        Parameters
        ----------
        items
            One administration a row; columns are item ids; NaN where not answered. Columns that
            are absent count as not answered.
        """
        import pandas as pd

        answers = items.reindex(columns=self.item_ids).to_numpy(dtype="float64")
        return pd.Series(self.totals(answers), index=items.index)

    def totals(self, answers: np.ndarray) -> np.ndarray:
        """Make totals from answers: a row an administration, a column an item, in their order."""
        answers = answers.copy()
        for place, item in enumerate(self.items):
            if item.reverse_scored:
                ends = self.range_of(item.id)
                answers[:, place] = ends.low + ends.high - answers[:, place]
        return self.scoring.total(answers, self.item_ids)

    @property
    def item_ids(self) -> tuple[str, ...]:
        """The ids of the items, in order."""
        return tuple(item.id for item in self.items)
