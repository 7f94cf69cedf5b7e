"""The columns of a table as found in a file, brought to their declared types and checked."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from kappredict.data.problems import Fault
from kappredict.data.tables import Column, Table, column_kinds, extra_columns
from kappredict.domain.studies import ExtraColumn, StudyDefinition

_YES = ("1", "1.0", "true", "yes")
_NO = ("0", "0.0", "false", "no")
_FLAGS = dict.fromkeys(_YES, 1.0) | dict.fromkeys(_NO, 0.0)
_EMPTY = "is empty"


def typed(
    rows: pd.DataFrame, table: Table, definition: StudyDefinition
) -> tuple[pd.DataFrame, list[Fault]]:
    """Bring the declared columns to their types and check each cell.

    Parameters
    ----------
    rows
        The table as found, usually as text; its labels are the row numbers that a fault names.

    Returns
    -------
    tuple
        The converted columns (absent optional ones empty), and the rules that rows break.
    """
    converted: dict[str, pd.Series] = {}
    faults: list[Fault] = []
    units = {column.name: column.unit for column in table.columns}
    units |= {column.name: column.unit for column in extra_columns(table, definition)}
    for name, kind in column_kinds(table, definition).items():
        found = rows[name] if name in rows.columns else pd.Series(np.nan, index=rows.index)
        converted[name] = _CONVERSIONS[kind](found)
        lost = rows.index[found.notna() & (found != "") & converted[name].isna()]
        if len(lost):
            remedy = f"give {_expected(kind, units[name])}"
            faults.append(Fault(lost, name, f"is not {_article(kind)}", remedy))
    frame = pd.DataFrame(converted, index=rows.index)
    if frame.empty:
        return frame, []
    return frame, [*faults, *_broken_rules(frame, table, definition, faults)]


def schema_of(table: Table, definition: StudyDefinition) -> pa.DataFrameSchema:
    """Derive the pandera schema of a table, the study's further columns included."""
    declared = {column.name: _declared(column) for column in table.columns}
    further = {column.name: _further(column) for column in extra_columns(table, definition)}
    return pa.DataFrameSchema(declared | further)


def to_number(found: pd.Series) -> pd.Series:
    """Read numbers; what is none becomes missing."""
    return pd.to_numeric(found, errors="coerce").astype("float64")


def to_text(found: pd.Series) -> pd.Series:
    """Read text; a whole number keeps no decimal point, so that id 7.0 is id 7."""
    if pd.api.types.is_numeric_dtype(found) and not pd.api.types.is_bool_dtype(found):
        whole = found.dropna()
        if (whole % 1 == 0).all():
            return found.astype("Int64").astype("str")
    text = found.astype("str")
    return text.mask(text == "")


def _to_flag(found: pd.Series) -> pd.Series:
    return to_text(found).str.lower().map(_FLAGS).astype("float64")


def _to_date(found: pd.Series) -> pd.Series:
    dates = pd.to_datetime(found, errors="coerce", format="ISO8601")
    return dates.astype("datetime64[s]")


_CONVERSIONS: dict[str, Callable[[pd.Series], pd.Series]] = {
    "id": to_text,
    "text": to_text,
    "number": to_number,
    "whole": to_number,
    "date": _to_date,
    "flag": _to_flag,
}


def _article(kind: str) -> str:
    return {"date": "a date", "flag": "yes or no"}.get(kind, "a number")


def _expected(kind: str, unit: str) -> str:
    if kind == "date":
        return "a date as year-month-day"
    if kind == "flag":
        return "0 or 1"
    return f"a plain number ({unit})" if unit else "a plain number"


def _declared(column: Column) -> pa.Column:
    checks = []
    if column.levels:
        known = ", ".join(column.levels)
        checks.append(pa.Check.isin(column.levels, error=f"is none of: {known}"))
    if column.at_least is not None:
        checks.append(pa.Check.ge(column.at_least, error=f"is below {column.at_least:g}"))
    if column.at_most is not None:
        checks.append(pa.Check.le(column.at_most, error=f"is above {column.at_most:g}"))
    if column.type == "whole":
        checks.append(pa.Check(lambda value: value % 1 == 0, error="is not a whole number"))
    if column.type in {"number", "whole"}:
        checks.append(_is_finite())
    return pa.Column(checks=checks, nullable=not column.required)


def _further(column: ExtraColumn) -> pa.Column:
    return pa.Column(checks=_is_finite() if column.kind == "numeric" else None, nullable=True)


def _is_finite() -> pa.Check:
    return pa.Check(np.isfinite, error="is not a finite number")


def _broken_rules(
    frame: pd.DataFrame, table: Table, definition: StudyDefinition, known: list[Fault]
) -> Iterator[Fault]:
    """Check the converted columns; a cell that could not be converted is not also called empty."""
    try:
        schema_of(table, definition).validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
    else:
        return
    lost = {fault.column: fault.rows for fault in known}
    for (column, check), found in cases.groupby(["column", "check"], sort=False):
        rule = _EMPTY if check == "not_nullable" else str(check)
        rows = pd.Index(found["index"].astype("int64")).sort_values()
        if rule == _EMPTY and column in lost:
            rows = rows.difference(lost[column])
        if len(rows):
            remedy = "fill the cell in, or leave the row out" if rule == _EMPTY else "correct it"
            yield Fault(rows, str(column), rule, remedy)
