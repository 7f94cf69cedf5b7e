"""Reads drawn tables into studies, and judges them: what the specification pages are made of."""

from dataclasses import dataclass

import pandas as pd

from kappredict.cohort.courses import find_cohort
from kappredict.config.catalogue import Catalogue
from kappredict.data.study import Study
from kappredict.domain.studies import StudyDefinition
from kappredict.domain.task import PredictionTask
from kappredict.outcomes.relapse import judge_relapse
from kappredict.outcomes.response import judge_response

STUDY = StudyDefinition(id="drawn", label="Drawn by hand", synthetic=True, licence="Apache-2.0")


@dataclass(frozen=True)
class Case:
    """One course, drawn, and what each outcome must be.

    `visits` has a column `day` (from the index day) and one per instrument, or `instrument.item`;
    a column `event` holds codes of the history. `expect` maps an outcome to `yes`, `no` or
    `not assessed`, and relapse to `between A and B`, `on day A`, `none up to day A`, or the reason
    why the course is not at risk. `study` is none where the opioid trials' definitions apply.
    """

    title: str
    condition: str
    visits: str
    expect: dict[str, str]
    doses: tuple[float, ...] = (0.0,)
    last_day: float | None = None
    landmark: str = "baseline"
    study: StudyDefinition | None = STUDY


def drawn(table: str) -> pd.DataFrame:
    """Read a table drawn with bars; an empty cell is missing."""
    lines = [line.strip() for line in table.strip().splitlines()]
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    return pd.DataFrame(rows[1:], columns=rows[0])


def study_of(case: Case) -> Study:
    """Make the study of one drawn course; its index day is day 100 of its patient."""
    visits = drawn(case.visits)
    day = visits["day"].astype(float) + 100
    assessments, events = [], []
    for column in visits.columns.drop("day"):
        filled = visits[column] != ""
        rows = pd.DataFrame({"patient_id": "p", "day": day[filled]})
        if column == "event":
            code = visits.loc[filled, column]
            events.append(rows.assign(kind="event", code=code, start_day=rows["day"]))
        else:
            instrument, _, item = column.partition(".")
            value = visits.loc[filled, column].astype(float)
            assessments.append(rows.assign(instrument=instrument, item=item, value=value))
    course = {"course_id": "c", "patient_id": "p", "condition": case.condition, "index_day": 100.0}
    if case.last_day is not None:
        course["last_day"] = case.last_day + 100
    doses = pd.DataFrame({"course_id": "c", "day": [100 + d for d in case.doses], "kind": "dosing"})
    return Study.of(
        case.study,
        {
            "patients": pd.DataFrame({"patient_id": ["p"]}),
            "courses": pd.DataFrame([course]),
            "assessments": pd.concat(assessments) if assessments else pd.DataFrame(),
            "history": pd.concat(events) if events else pd.DataFrame(),
            "sessions": doses,
        },
    )


def judged(case: Case, catalogue: Catalogue) -> dict[str, str]:
    """Judge a drawn course, in the words of `Case.expect`."""
    condition = catalogue.for_study(case.study).condition(case.condition)
    study = study_of(case)
    task = PredictionTask(condition, "relapse", case.landmark)  # type: ignore[arg-type]
    courses = find_cohort(study, task).courses
    response = judge_response(study, courses, condition, "response")
    remission = judge_response(study, courses, condition, "remission")
    relapse = judge_relapse(study, courses, condition, response)
    return {
        "response": _yes_no(response.judged["holds"].iloc[0]),
        "remission": _yes_no(remission.judged["holds"].iloc[0]),
        "relapse": _when(relapse.judged.iloc[0]),
    }


def _yes_no(holds: object) -> str:
    return "not assessed" if pd.isna(holds) else "yes" if holds else "no"


def _when(row: pd.Series) -> str:
    if row["status"] != "at_risk":
        return str(row["status"])
    if row["event"] > 1:
        return f"ended by another event on day {row['upper']:g}"
    if row["event"] == 0:
        return f"none up to day {row['lower']:g}"
    if row["lower"] == row["upper"]:
        return f"on day {row['upper']:g}"
    return f"between day {row['lower']:g} and day {row['upper']:g}"
