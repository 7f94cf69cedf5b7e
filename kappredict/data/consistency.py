"""Rules that one cell cannot break alone: keys, references, score ranges, and the order of days."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd

from kappredict.config.catalogue import Catalogue, unknown
from kappredict.data.problems import Fault
from kappredict.data.tables import Table
from kappredict.domain.instruments import Instrument

# table: (earlier column, later column, what is wrong where they are the other way round)
_ORDERED_DAYS = {
    "courses": (("index_day", "last_day", "lies before the index day"),),
    "assessments": (("day", "recorded_day", "lies before the day it describes"),),
    "history": (
        ("start_day", "recorded_day", "lies before the day it describes"),
        ("start_day", "end_day", "lies before the start"),
    ),
}
# table: (column that names the observed, the day that may not come after their last day)
_OBSERVED_DAYS = {"assessments": ("patient_id", "day"), "sessions": ("course_id", "day")}


@dataclass(frozen=True)
class Checked:
    """A table that was checked already: all of its converted rows, and those that were accepted."""

    rows: pd.DataFrame
    accepted: pd.DataFrame


def inconsistencies(
    rows: pd.DataFrame, table: Table, earlier: Mapping[str, Checked], catalogue: Catalogue
) -> Iterator[Fault]:
    """Check the rows of a table against each other, the tables before it, and the catalogue.

    Parameters
    ----------
    rows
        The converted columns of one table.
    earlier
        The tables before it, by name; one that could not be used is not among them.
    """
    parts = (
        _repeated(rows, table),
        _orphans(rows, table, earlier),
        _out_of_order(rows, table),
        _unobserved(rows, table, earlier),
        _unknown_conditions(rows, catalogue) if "condition" in rows.columns else (),
        _impossible_scores(rows, catalogue) if "instrument" in rows.columns else (),
    )
    for fault in chain.from_iterable(parts):
        if len(fault.rows):
            yield fault


def _repeated(rows: pd.DataFrame, table: Table) -> Iterator[Fault]:
    """Find rows with the same key; of identical rows the first is good, of others none is."""
    key = list(table.key)
    sharing = rows[rows.duplicated(key, keep=False)].dropna(subset=_filled_keys(table))
    again = sharing.duplicated(keep="first")
    yield Fault(sharing.index[again], key[0], "repeats an earlier row", "remove the repetition")
    clashing = sharing[~again]
    clashing = clashing[clashing.duplicated(key, keep=False)]
    if "site" in rows.columns:
        sites = clashing.groupby(key)["site"].transform("nunique")
        rule = "the same patient_id is at more than one site"
        remedy = "give each patient one site, and different people different ids"
        yield Fault(clashing.index[sites > 1], "site", rule, remedy)
        clashing = clashing[~(sites > 1)]
    rule = f"another row with other content has the same {', '.join(key)}"
    yield Fault(clashing.index, key[0], rule, "keep the right one")


def _filled_keys(table: Table) -> list[str]:
    return [name for name in table.key if name in table.required]


def _orphans(rows: pd.DataFrame, table: Table, earlier: Mapping[str, Checked]) -> Iterator[Fault]:
    """Find rows that refer to nothing, and those that refer to a rejected row and go with it."""
    for column, parent in table.refers_to:
        if parent not in earlier:
            continue
        known = earlier[parent]
        lost = rows[column].notna() & ~rows[column].isin(known.accepted[column])
        found = rows.loc[lost, column].isin(known.rows[column])
        absent, rejected = found.index[~found], found.index[found]
        yield Fault(absent, column, f"has no row in {parent}", f"add or correct it in {parent}")
        rule = f"belongs to a rejected row of {parent}"
        yield Fault(rejected, column, rule, f"correct {parent}", follows=True)


def _out_of_order(rows: pd.DataFrame, table: Table) -> Iterator[Fault]:
    for earlier, later, wrong in _ORDERED_DAYS.get(table.name, ()):
        reversed_days = rows[later] < rows[earlier]
        yield Fault(rows.index[reversed_days], later, wrong, f"correct {earlier} or {later}")


def _unobserved(
    rows: pd.DataFrame, table: Table, earlier: Mapping[str, Checked]
) -> Iterator[Fault]:
    """Find rows after the end of observation; a patient is observed until the last course ends."""
    if table.name not in _OBSERVED_DAYS or "courses" not in earlier:
        return
    by, day = _OBSERVED_DAYS[table.name]
    courses = earlier["courses"].accepted
    last = courses["last_day"].fillna(np.inf).groupby(courses[by]).max()
    late = rows[day] > rows[by].map(last).astype("float64")
    rule = "lies after the last day under observation"
    yield Fault(rows.index[late], day, rule, "correct it, or last_day in courses")


def _unknown_conditions(rows: pd.DataFrame, catalogue: Catalogue) -> Iterator[Fault]:
    for name, found in _unknown_names(rows["condition"], catalogue.conditions):
        remedy = "correct it, or add it to conditions/ of your own configs"
        yield Fault(found, "condition", f"condition {name}", remedy)


def _impossible_scores(rows: pd.DataFrame, catalogue: Catalogue) -> Iterator[Fault]:
    for name, found in _unknown_names(rows["instrument"], catalogue.instruments):
        remedy = "correct it, or add it to instruments/ of your own configs"
        yield Fault(found, "instrument", f"instrument {name}", remedy)
    for instrument_id, administered in rows.groupby("instrument"):
        if instrument_id not in catalogue.instruments:
            continue
        instrument = catalogue.instruments[str(instrument_id)]
        for item, scores in administered.groupby(administered["item"].fillna("")):
            yield _impossible(scores["value"], instrument, str(item))


def _impossible(values: pd.Series, instrument: Instrument, item: str) -> Fault:
    items = [one.id for one in instrument.items]
    if item and item not in items:
        rule = f"item of {instrument.id} {unknown(item, items)}"
        return Fault(values.index, "item", rule, "correct it; leave it empty for the total")
    ends = instrument.range_of(item)
    outside = values.notna() & ~values.between(ends.low, ends.high)
    name = f"{instrument.id} {item}".strip()
    rule = f"lies outside the range of {name} ({ends.low:g} to {ends.high:g})"
    return Fault(values.index[outside], "value", rule, "correct the score")


def _unknown_names(
    column: pd.Series, known: Mapping[str, object]
) -> Iterator[tuple[str, pd.Index]]:
    strange = column[column.notna() & ~column.isin(list(known))]
    for name, found in strange.groupby(strange).groups.items():
        yield unknown(str(name), known), found
