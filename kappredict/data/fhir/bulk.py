"""A FHIR bulk export (NDJSON) as tables: each patient read as the service reads a Bundle.

The resources lie in files by type, so DuckDB sorts them by patient; then one patient at a time is
read, and the rows go back as `fhir_patients`, `fhir_courses`, `fhir_assessments`, `fhir_sessions`
and `fhir_history`, for the SQL of an import to choose from. A course begins with the first dose.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from kappredict.data.fhir.elements import Definitions, Resource
from kappredict.data.fhir.patient import ACCEPTED, PatientRead, read_patient_record
from kappredict.data.fhir.reading import Issue, Located
from kappredict.data.problems import Problem
from kappredict.data.tables import TABLES

PREFIX = "fhir_"
ENDINGS = (".ndjson", ".ndjson.gz")
_AT_ONCE = 2000  # patients whose rows are written together
_TYPES = {"id": "VARCHAR", "text": "VARCHAR", "number": "DOUBLE", "whole": "DOUBLE", "date": "DATE"}
_LISTS = ("assessments", "sessions", "history")
_REMEDY = "correct it in the source, or leave it: the rest is read"


@dataclass
class BulkRead:
    """What reading gave beside the tables: problems by file and line, and what was counted."""

    problems: list[Problem] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is no part of this, or of no course: how often, and why."""
        return tuple(f"{why}: {number:,}" for why, number in sorted(self.counted.items()))


def is_bulk_file(path: Path) -> bool:
    """Tell whether a file is NDJSON of FHIR resources, by its first line."""
    if not path.name.lower().endswith(ENDINGS):
        return False
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opened(path, "rt", encoding="utf-8") as lines:
            first = next((line for line in lines if line.strip()), "")
            return isinstance(json.loads(first), dict) and "resourceType" in json.loads(first)
    except (OSError, ValueError):
        return False


def add_bulk_tables(
    connection: duckdb.DuckDBPyConnection, files: Iterable[Path], known: Definitions
) -> BulkRead:
    """Read bulk files into the tables `fhir_…` of a connection."""
    done = BulkRead()
    _read_lines(connection, files, done)
    for name in TABLES:
        columns = ", ".join(f"{column} {kind}" for column, kind in _columns(name).items())
        connection.execute(f"CREATE TABLE {PREFIX}{name} ({columns})")
    shared = _shared(connection)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for number, (patient_id, located) in enumerate(_by_patient(connection), start=1):
        _add(rows, patient_id, [*located, *shared], known, done)
        if number % _AT_ONCE == 0:
            _flush(connection, rows)
    _flush(connection, rows)
    return done


def _read_lines(
    connection: duckdb.DuckDBPyConnection, files: Iterable[Path], done: BulkRead
) -> None:
    """Put each line with its file, its number, its type and the id of its patient into a table."""
    connection.execute(
        "CREATE TABLE bulk (file VARCHAR, line BIGINT, content VARCHAR, kind VARCHAR, who VARCHAR)"
    )
    for path in files:
        connection.execute(_LINES, [path.name, str(path)])
    for file, line in connection.execute(_UNREADABLE).fetchall():
        done.problems.append(Problem(file, line, None, "the line is no FHIR resource", _REMEDY))
    left = connection.execute(_LEFT_ASIDE, [[*ACCEPTED, "Medication"]]).fetchall()
    done.counted.update({f"{file}: resources of this type are not used": n for file, n in left})


# A separator that JSON cannot hold unescaped makes each line one value.
_LINES = r"""
INSERT INTO bulk
WITH lines AS (
  SELECT content, row_number() OVER () AS line
  FROM read_csv(
    $2, columns = {'content': 'VARCHAR'}, delim = '\x01', quote = '', escape = '',
    header = false, auto_detect = false, max_line_size = 20000000
  )
),
valid AS (SELECT line, content, json_valid(content) AS ok FROM lines WHERE content IS NOT NULL)
SELECT
  $1, line, content,
  CASE WHEN ok THEN content ->> '$.resourceType' END AS kind,
  CASE WHEN ok THEN regexp_extract(
    coalesce(
      CASE WHEN content ->> '$.resourceType' = 'Patient' THEN content ->> '$.id' END,
      content ->> '$.subject.reference', content ->> '$.patient.reference', ''
    ),
    '([^/]*)(/_history/.*)?$', 1
  ) END AS who
FROM valid
"""
_UNREADABLE = "SELECT file, line FROM bulk WHERE kind IS NULL ORDER BY file, line"
_LEFT_ASIDE = """
SELECT file, count(*) FROM bulk WHERE kind IS NOT NULL AND kind NOT IN (SELECT unnest($1))
GROUP BY file
"""


def _shared(connection: duckdb.DuckDBPyConnection) -> list[Located]:
    """Give the Medication resources, which are nobody's and which others refer to."""
    found = connection.execute("SELECT file, line, content FROM bulk WHERE kind = 'Medication'")
    return [_located(*row) for row in found.fetchall()]


def _by_patient(
    connection: duckdb.DuckDBPyConnection,
) -> Iterator[tuple[str, list[Located]]]:
    """Give each patient's resources, in the order of their files and lines."""
    cursor = connection.cursor().execute(
        "SELECT who, file, line, content FROM bulk WHERE kind IN (SELECT unnest($1)) "
        "ORDER BY who, file, line",
        [list(ACCEPTED)],
    )
    rows = iter(cursor.fetchone, None)
    for who, group in groupby(rows, key=lambda row: row[0]):
        yield str(who), [_located(*row[1:]) for row in group]


def _located(file: str, line: int, content: str) -> Located:
    resource: Resource = json.loads(content)
    return Located(f"{file}:{line}", resource)


def _add(
    rows: dict[str, list[dict[str, Any]]],
    patient_id: str,
    located: list[Located],
    known: Definitions,
    done: BulkRead,
) -> None:
    """Read one patient, and add the rows of each course; say why where there is none."""
    patients = [one for one in located if one.kind == "Patient"]
    if len(patients) != 1 or not patient_id:
        here = located[0]
        rule = f"{len(patients)} patients of the export have the id that it is about, not one"
        done.problems.append(_problem(Issue(here.place, rule, "business-rule")))
        return
    read = read_patient_record(patients[0], located, known)
    if not read.clock.dosed:
        done.counted["patients without a dose that was given, so without a course"] += 1
        return
    for issue in read.issues:
        if issue.code == "not-supported":
            done.counted[f"{issue.place.partition(':')[0]}: {issue.text}"] += 1
        else:
            done.problems.append(_problem(issue))
    if not read.conditions:
        done.counted["patients with a dose, and no diagnosis that is known here"] += 1
        return
    _add_rows(rows, patient_id, read)


def _add_rows(rows: dict[str, list[dict[str, Any]]], patient_id: str, read: PatientRead) -> None:
    record, who = read.record, {"patient_id": patient_id}
    enrolled = {"enrolled_on": read.clock.index.date()}
    rows["patients"].append({**record["patient"], **who, **enrolled})
    courses = [
        {**record["course"], "condition": name, "course_id": f"{patient_id}-{name}", **who}
        for name in read.conditions
    ]
    rows["courses"] += courses
    for name in _LISTS:
        rows[name] += [{**entry, **who} for entry in record[name]]


def _problem(issue: Issue) -> Problem:
    """Say where an issue stands: the file, its line, and the element."""
    file, _, rest = issue.place.partition(":")
    line, _, element = rest.partition(".")
    return Problem(file, int(line), element or None, issue.text, _REMEDY)


def _columns(name: str) -> Mapping[str, str]:
    """Give a table's columns and types; each row says whose it is, and of no course."""
    refers = {column for column, _ in TABLES[name].refers_to}
    own = (column for column in TABLES[name].columns if column.name not in refers)
    return {"patient_id": "VARCHAR"} | {column.name: _TYPES[column.type] for column in own}


def _flush(connection: duckdb.DuckDBPyConnection, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Write the rows gathered so far, and forget them."""
    for name, gathered in rows.items():
        if gathered:
            frame = pd.DataFrame(gathered, columns=list(_columns(name)))
            connection.register("gathered", frame)
            connection.execute(f"INSERT INTO {PREFIX}{name} BY NAME FROM gathered")
            connection.unregister("gathered")
            gathered.clear()
