"""The tables of a study: each column declared once, and all else derived from that."""

from dataclasses import dataclass
from typing import Literal

from kappredict.domain.studies import ExtraColumn, StudyDefinition

ColumnType = Literal["id", "text", "number", "whole", "date"]
_EXTRA_TYPES = {"numeric": "number", "category": "text", "flag": "flag"}


@dataclass(frozen=True)
class Column:
    """A column: its type, unit, what it may hold, and what it means.

    `levels` is the closed list of what a text column may hold; `at_least` and `at_most` bound a
    number. A required column must be there and may have no empty cell.
    """

    name: str
    type: ColumnType
    meaning: str
    unit: str = ""
    required: bool = False
    levels: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Table:
    """A table: what a row is, its columns, what makes a row unique, and what it refers to."""

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    refers_to: tuple[tuple[str, str], ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """The names of the required columns."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all declared columns, in order."""
        return tuple(column.name for column in self.columns)


_PATIENT_ID = Column("patient_id", "id", "the patient's pseudonym", required=True)
_COURSE_ID = Column("course_id", "id", "the course", required=True)
_RECORDED_DAY = Column(
    "recorded_day", "number", "day on which the row was entered, if later than its own", "days"
)
ROUTES = ("iv", "im", "sc", "sl", "intranasal")

PATIENTS = Table(
    name="patients",
    row="a patient",
    key=("patient_id",),
    columns=(
        _PATIENT_ID,
        Column("site", "text", "where treated; the unit of leave-one-site-out"),
        Column("sex", "text", "sex", levels=("female", "male", "other", "unknown")),
        Column("age", "number", "age at day zero", "years", at_least=0, at_most=120),
        Column("enrolled_on", "date", "calendar day of enrolment, for temporal validation"),
    ),
)
COURSES = Table(
    name="courses",
    row="a course of treatment of one patient for one condition",
    key=("course_id",),
    refers_to=(("patient_id", "patients"),),
    columns=(
        _COURSE_ID,
        _PATIENT_ID,
        Column("condition", "text", "the condition treated", required=True),
        Column(
            "index_day", "number", "the moment of the first dose or start", "days", required=True
        ),
        Column("study", "text", "the trial or cohort, where the study holds several"),
        Column("arm", "text", "the arm of a trial"),
        Column("setting", "text", "setting", levels=("trial", "clinic", "telehealth")),
        Column("planned_route", "text", "planned route", levels=ROUTES),
        Column("planned_doses", "number", "planned number of doses", "doses", at_least=0),
        Column("planned_dose_mg_per_kg", "number", "planned dose", "mg/kg", at_least=0),
        Column("planned_integration", "number", "planned integration sessions", at_least=0),
        Column("last_day", "number", "last day under observation", "days"),
    ),
)
ASSESSMENTS = Table(
    name="assessments",
    row="a score of one instrument, or of one of its items, on one day",
    key=("patient_id", "day", "instrument", "item"),
    refers_to=(("patient_id", "patients"),),
    columns=(
        _PATIENT_ID,
        Column("day", "number", "day assessed", "days", required=True),
        Column("instrument", "text", "the instrument", required=True),
        Column("item", "text", "the item; empty for the total"),
        Column("value", "number", "the score", required=True),
        _RECORDED_DAY,
    ),
)
SESSIONS = Table(
    name="sessions",
    row="a session held",
    key=("course_id", "day", "kind"),
    refers_to=(("course_id", "courses"),),
    columns=(
        _COURSE_ID,
        Column("day", "number", "day held", "days", required=True),
        Column(
            "kind",
            "text",
            "what kind of session",
            required=True,
            levels=("preparation", "dosing", "integration", "maintenance"),
        ),
        Column("route", "text", "route of the dose", levels=ROUTES),
        Column("dose_mg_per_kg", "number", "dose given", "mg/kg", at_least=0),
        Column("minutes", "number", "length", "minutes", at_least=0),
    ),
)
HISTORY = Table(
    name="history",
    row="a fact of history; value 0 says asked, and no",
    key=("patient_id", "kind", "code", "start_day", "outcome"),
    refers_to=(("patient_id", "patients"),),
    columns=(
        _PATIENT_ID,
        Column(
            "kind",
            "text",
            "what kind of fact",
            required=True,
            levels=("diagnosis", "medication", "substance", "procedure", "family", "event"),
        ),
        Column("code", "text", "what; a code or a plain name", required=True),
        Column("start_day", "number", "first day; empty if long before", "days"),
        Column("end_day", "number", "last day", "days"),
        Column(
            "outcome",
            "text",
            "how it went",
            levels=("failed", "partial", "responded", "stopped"),
        ),
        Column("value", "number", "an amount; 0 says asked, and no"),
        _RECORDED_DAY,
    ),
)
TABLES: dict[str, Table] = {
    table.name: table for table in (PATIENTS, COURSES, ASSESSMENTS, SESSIONS, HISTORY)
}


def extra_columns(table: Table, definition: StudyDefinition) -> tuple[ExtraColumn, ...]:
    """Give the further columns that a study declares for a table."""
    return next((found for name, found in definition.columns.items() if name == table.name), ())


def column_kinds(table: Table, definition: StudyDefinition) -> dict[str, str]:
    """Give what each column holds: id, text, number, whole, date or flag."""
    declared = {column.name: str(column.type) for column in table.columns}
    further = {one.name: _EXTRA_TYPES[one.kind] for one in extra_columns(table, definition)}
    return declared | further
