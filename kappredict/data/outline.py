"""What occurs in a study: a handful of its rows, of which features are listed as of all of them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from kappredict.data.study import Study
from kappredict.data.tables import TABLES

# A row of each is kept, by table.
_EACH = {
    "courses": ["condition"],
    "assessments": ["instrument", "item"],
    "sessions": ["kind"],
    "history": ["kind", "code"],
}


@dataclass(frozen=True)
class Outline(Study):
    """A study small enough to be sent about, in the place of one that is not.

    It has a row of every condition, instrument, item, kind of session and fact that the whole has,
    a row in which each column is known that is known anywhere, and the digest of the whole.
    """

    of_whole: str

    @property
    def digest(self) -> str:
        """The digest of what it is an outline of."""
        return self.of_whole


def outline(study: Study) -> Outline:
    """Outline a study."""
    return Outline(study.definition, _telling(study.tables), study.digest)


def joined(parts: Sequence[Outline]) -> Outline:
    """Give the outline of the study that some studies are partitions of."""
    tables = {name: pd.concat([one.tables[name] for one in parts]) for name in TABLES}
    whole = Study.of(parts[0].definition, _telling(tables))
    digest = hashlib.sha256("".join(one.digest for one in parts).encode()).hexdigest()
    return Outline(whole.definition, whole.tables, digest)


def _telling(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {name: _rows(rows, _EACH.get(name, [])) for name, rows in tables.items()}


def _rows(found: pd.DataFrame, each: list[str]) -> pd.DataFrame:
    rows = found.reset_index(drop=True)
    kept = ~rows.duplicated(each) if each else pd.Series(False, index=rows.index)
    for column in rows:
        known = rows[column].notna()
        kept |= known & (known.cumsum() == 1)
    return rows[kept].reset_index(drop=True)
