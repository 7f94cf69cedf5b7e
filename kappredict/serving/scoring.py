"""A questionnaire's total from its items, by the instrument's own rule: for who enters items."""

from typing import Any

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from kappredict.domain.instruments import AsRecorded, Instrument
from kappredict.serving.answers import Sent
from kappredict.serving.core import Reply
from kappredict.serving.problems import Fault, faults_of, invalid
from kappredict.serving.schemas import Strict
from kappredict.serving.shelf import Shelf


class ScoreAnswer(Sent):
    """The total of the items that were answered, or none where too many were not."""

    instrument: str
    total: float | None
    answered: int
    items: int
    band: str = Field(description="the severity band of the total, where the scale has bands")
    never_filled_in: tuple[str, ...] = Field(
        description="items without an answer that must not be guessed"
    )
    sentence: str


class Items(Strict):
    """The answers to an instrument's items, by item id."""

    instrument: str
    items: dict[str, float]


_body = TypeAdapter(Items)


def score(shelf: Shelf, body: Any) -> Reply:
    """Score one administration.

    Raises
    ------
    Problem
        422 naming each field that is wrong.
    """
    try:
        given = _body.validate_python(body)
    except ValidationError as error:
        raise invalid(faults_of(error)) from error
    instrument = shelf.instruments.get(given.instrument)
    if instrument is None:
        raise invalid([("/instrument", "is no instrument of these models")])
    faults = list(_faults(instrument, given.items))
    if faults:
        raise invalid(faults)
    return Reply(_scored(instrument, given.items))


def _faults(instrument: Instrument, items: dict[str, float]) -> list[Fault]:
    found = []
    for name, value in items.items():
        if name not in instrument.item_ids:
            found.append(("/items", f"holds what is no item of {instrument.id}"))
            continue
        ends = instrument.range_of(name)
        if not ends.low <= value <= ends.high:
            found.append((f"/items/{name}", f"must lie within {ends.low:g} and {ends.high:g}"))
    return found


def _scored(instrument: Instrument, items: dict[str, float]) -> ScoreAnswer:
    answers = np.array([[items.get(one) for one in instrument.item_ids]], dtype="float64")
    total = float(instrument.totals(answers)[0]) if items else np.nan
    known = not np.isnan(total)
    band = instrument.bands.label_of(total) if known and instrument.bands else ""
    return ScoreAnswer(
        instrument=instrument.id,
        total=total if known else None,
        answered=len(items),
        items=len(instrument.items),
        band=band,
        never_filled_in=tuple(
            one.id for one in instrument.items if one.never_filled_in and one.id not in items
        ),
        sentence=_sentence(instrument, len(items), total if known else None, band),
    )


def _sentence(instrument: Instrument, answered: int, total: float | None, band: str) -> str:
    """Say the total and how it was made.

    The rule itself is in `kappredict.domain.instruments`.
    """
    whole = len(instrument.items)
    of = f"{answered} of {whole} items answered"
    if isinstance(instrument.scoring, AsRecorded):
        return f"{of}; the {instrument.short_name} has no total"
    if total is None:
        return f"{of}; too few for a total of the {instrument.short_name}"
    made = of if answered == whole else f"{of}, scored by the {instrument.short_name}'s rule"
    label = f", {band}" if band else ""
    return f"{instrument.short_name} {total:.4g} of {instrument.total.high:g}{label}; {made}"
