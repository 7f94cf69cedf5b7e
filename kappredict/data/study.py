"""A study: checked tables with declared columns, its definition, and a digest of its content."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from kappredict.data.tables import TABLES, Table
from kappredict.domain.studies import StudyDefinition

_PANDAS_TYPES = {
    "id": "str",
    "text": "str",
    "number": "float64",
    "whole": "float64",
    "date": "datetime64[s]",
}
_EXTRA_TYPES = {"numeric": "float64", "category": "str", "flag": "float64"}


@dataclass(frozen=True)
class Study:
    """One source of data: five tables, all of them present, typed and in a fixed order.

    Build one with `Study.of`, which adds absent tables and columns as empty ones; whether the
    content makes sense is the business of `kappredict.data.validation`.
    """

    definition: StudyDefinition
    tables: Mapping[str, pd.DataFrame]

    @classmethod
    def of(cls, definition: StudyDefinition, tables: Mapping[str, pd.DataFrame]) -> "Study":
        """Give every table its declared columns, types and order; an absent one is empty."""
        complete = {
            name: _typed(table, definition, tables.get(name, pd.DataFrame()))
            for name, table in TABLES.items()
        }
        return cls(definition, complete)

    @property
    def patients(self) -> pd.DataFrame:
        """One row per patient."""
        return self.tables["patients"]

    @property
    def courses(self) -> pd.DataFrame:
        """One row per course."""
        return self.tables["courses"]

    @property
    def assessments(self) -> pd.DataFrame:
        """One row per score."""
        return self.tables["assessments"]

    @property
    def sessions(self) -> pd.DataFrame:
        """One row per session held."""
        return self.tables["sessions"]

    @property
    def history(self) -> pd.DataFrame:
        """One row per fact of history."""
        return self.tables["history"]

    @property
    def digest(self) -> str:
        """A SHA-256 over definition and tables; the same content gives the same digest."""
        total = hashlib.sha256(self.definition.model_dump_json().encode())
        for name in TABLES:
            rows = pd.util.hash_pandas_object(self.tables[name], index=False)
            total.update(name.encode() + rows.to_numpy().tobytes())
        return total.hexdigest()


def column_types(table: Table, definition: StudyDefinition) -> dict[str, str]:
    """Give the pandas type of every column of a table, declared and further ones."""
    declared = {column.name: _PANDAS_TYPES[column.type] for column in table.columns}
    extra = definition.columns.get(table.name, ())  # type: ignore[call-overload]  # any table name
    return declared | {column.name: _EXTRA_TYPES[column.kind] for column in extra}


def _typed(table: Table, definition: StudyDefinition, rows: pd.DataFrame) -> pd.DataFrame:
    types = column_types(table, definition)
    frame = rows.reindex(columns=list(types)).astype(types)
    order = [column for column in table.key if column in frame.columns]
    return frame.sort_values(order, kind="stable", ignore_index=True)
