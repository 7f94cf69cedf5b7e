"""Served predictions, kept beside the audit trail, so that outcomes can join them later.

A row is one model's answer to one course: its number, or why there is none, and the features that
it was made from: numbers, and the levels of a category that training knew. Patient and course are
pseudonyms made with the deployment's key; nothing here can be free text. It is written in the
transaction of its audit entry. Rows are never changed; they can be removed when they are old.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from kappredict.cohort.records import Record
from kappredict.data.columns import Columns
from kappredict.domain.prediction import Prediction
from kappredict.estimators.bundle import ModelBundle
from kappredict.explanation.course_answers import Answered

OTHER = "other"


@dataclass(frozen=True)
class Served:
    """A record that was answered, what the models said of it, and their digests by name."""

    record: Record
    answered: Sequence[Answered]
    digests: Mapping[str, str]


@dataclass(frozen=True)
class Kept:
    """One served prediction; `survival` and `features` are JSON by day and by name."""

    request_id: str
    patient: str
    course: str
    model: str
    digest: str
    index_day: float
    landmark_day: float
    probability: float | None
    low: float | None
    high: float | None
    survival: str
    no_prediction: str
    features: str


_metadata = sa.MetaData()
_TYPES = {float: sa.Float, float | None: sa.Float, str: sa.Text}
_table = sa.Table(
    "predictions",
    _metadata,
    # SQLite numbers rows by itself only where the type is its own.
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("at", sa.Text, nullable=False),
    *(
        sa.Column(one.name, _TYPES[one.type], nullable=one.type not in {float, str})  # type: ignore[index]
        for one in fields(Kept)
    ),
    sa.Index("predictions_by_model", "digest"),
)
_GUARDS = {
    "sqlite": [
        "CREATE TRIGGER IF NOT EXISTS predictions_no_update BEFORE UPDATE ON predictions "
        "BEGIN SELECT RAISE(ABORT, 'served predictions are never changed'); END"
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION predictions_refuse() RETURNS trigger AS $$ BEGIN "
        "RAISE EXCEPTION 'served predictions are never changed'; END $$ LANGUAGE plpgsql",
        "CREATE OR REPLACE TRIGGER predictions_no_update BEFORE UPDATE ON predictions "
        "FOR EACH STATEMENT EXECUTE FUNCTION predictions_refuse()",
    ],
}
_INSERT = _table.insert()


def make_table(connection: Connection) -> None:
    """Make the table where there is none."""
    _metadata.create_all(connection)
    for guard in _GUARDS.get(connection.dialect.name, ()):
        connection.execute(sa.text(guard))


def keep(connection: Connection, rows: Sequence[Kept], at: str) -> None:
    """Write rows in a transaction that is under way."""
    if rows:
        connection.execute(_INSERT, [{"at": at, **vars(one)} for one in rows])


def kept_of(connection: Connection, digest: str) -> list[dict[str, Any]]:
    """Read what a model served, oldest first."""
    query = sa.select(_table).where(_table.c.digest == digest).order_by(_table.c.number)
    return [_read(row._asdict()) for row in connection.execute(query)]


def others_of(connection: Connection, model: str, digest: str) -> int:
    """Count what other versions of a model served."""
    mine = (_table.c.model == model) & (_table.c.digest != digest)
    return int(connection.execute(sa.select(sa.func.count()).where(mine)).scalar_one())


def remove_before(connection: Connection, day: date) -> int:
    """Remove rows from before a day (UTC), and say how many."""
    start = datetime.combine(day, time(), UTC).isoformat(timespec="milliseconds")
    return int(connection.execute(_table.delete().where(_table.c.at < start)).rowcount)


def features_of(bundle: ModelBundle, columns: Columns, row: int) -> dict[str, float | str]:
    """Give one course's known features by name: numbers, and levels that training knew."""
    found: dict[str, float | str] = {}
    for name, levels in bundle.recipe.reference.features.items():
        if name in columns.numbers:
            value = float(columns.numbers[name][row])
            if not np.isnan(value):
                found[name] = value
        elif (code := columns.texts[name].codes[row]) >= 0:
            word = columns.texts[name].words[code]
            found[name] = word if word in levels.words else OTHER
    return found


def rows_of(one: Served, named: Mapping[str, Any]) -> Iterable[Kept]:
    """Lay the answers to one record out as rows.

    Parameters
    ----------
    named
        The request's id and the pseudonyms: request_id, patient, course.
    """
    for answered in one.answered:
        said, bundle = answered.said, answered.bundle
        name = bundle.task.name
        yield Kept(
            **named,
            model=name,
            digest=one.digests[name],
            index_day=float(one.record["course"]["index_day"]),
            landmark_day=answered.landmark_day,
            features=json.dumps(features_of(bundle, answered.features.columns, answered.row)),
            **(_number(said) if isinstance(said, Prediction) else _none(said.reason)),
        )


def _number(said: Prediction) -> dict[str, Any]:
    survival = {f"{day:g}": value for day, value in said.survival.items()}
    return {
        "probability": said.probability,
        "low": said.interval[0],
        "high": said.interval[1],
        "survival": json.dumps(survival),
        "no_prediction": "",
    }


def _none(reason: str) -> dict[str, Any]:
    return {
        "probability": None,
        "low": None,
        "high": None,
        "survival": "{}",
        "no_prediction": reason,
    }


def _read(row: dict[str, Any]) -> dict[str, Any]:
    return row | {name: json.loads(row[name]) for name in ("survival", "features")}
