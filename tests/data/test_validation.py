"""Every broken rule is found, in every table at once, with its place and without its value."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kappredict.config.catalogue import Catalogue
from kappredict.data.problems import Problem
from kappredict.data.readers import RawTable, RawTables, read_tables
from kappredict.data.records import study_from_records
from kappredict.data.validation import CheckedStudy, check, load_study
from kappredict.domain.studies import StudyDefinition
from kappredict.errors import DataError, DefinitionError

GOOD = {
    "patients": "patient_id,site,sex,age,bmi\np1,north,female,40,22\np2,south,male,50,23\n",
    "courses": (
        "course_id,patient_id,condition,index_day,last_day\n"
        "c1,p1,depression,0,100\nc2,p2,depression,3,90\n"
    ),
    "assessments": (
        "patient_id,day,instrument,item,value,recorded_day\n"
        "p1,-1,phq9,,20,\np1,14,phq9,,9,15\np2,0,phq9,,18,\n"
    ),
    "sessions": "course_id,day,kind,route\nc1,0,dosing,iv\nc1,7,integration,\n",
    "history": "patient_id,kind,code,start_day,value\np1,diagnosis,epilepsy,,0\n",
}
ABOUT = """
id: small
label: A small study
synthetic: false
licence: none
columns:
  patients: [{name: bmi, label: BMI, kind: numeric, group: body}]
"""
SHY = "4711"  # a value that no message may show


def written(folder: Path, **tables: str) -> Path:
    (folder / "study.yaml").write_text(ABOUT)
    for name, text in {**GOOD, **tables}.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def problems_of(folder: Path, catalogue: Catalogue) -> list[Problem]:
    return list(check(read_tables(folder), catalogue).problems)


def test_a_sound_study_has_no_problem(tmp_path: Path, catalogue: Catalogue) -> None:
    checked = check(read_tables(written(tmp_path)), catalogue)
    assert checked.problems == ()
    assert checked.rejected == {}
    assert len(checked.study.assessments) == 3


CELLS: dict[str, tuple[str, str, str, str, int, str]] = {
    # claim: (table, text, its replacement, column, row, rule)
    "text in a number column": ("assessments", "14,phq9", "soon,phq9", "day", 3, "not a number"),
    "a decimal comma": ("patients", "40,22", '"40,5",22', "age", 2, "not a number"),
    "text in a number column of the study's own": ("patients", "40,22", "40,slim", "bmi", 2, "not"),
    "an infinite number": ("patients", "40,22", "40,inf", "bmi", 2, "not a finite number"),
    "an empty required cell": ("assessments", "phq9,,9", "phq9,,", "value", 3, "is empty"),
    "an unknown level": ("patients", "female", "femal", "sex", 2, "is none of: female"),
    "an age above its bound": ("patients", "50,23", f"{SHY},23", "age", 3, "above 120"),
    "an age below its bound": ("patients", "50,23", "-5,23", "age", 3, "below 0"),
    "a score out of range": ("assessments", ",20,", f",{SHY},", "value", 2, "phq9 (0 to 27)"),
    "an unknown instrument": ("assessments", "0,phq9", "0,pqh9", "instrument", 4, "mean 'phq9'"),
    "an unknown item": ("assessments", "0,phq9,", "0,phq9,nonsense", "item", 4, "item of phq9"),
    "an unknown condition": ("courses", "p1,depression", "p1,depresion", "condition", 2, "did you"),
    "a score after the last day": ("assessments", "p2,0", "p2,91", "day", 4, "the last day"),
    "a session after the last day": ("sessions", "c1,7", "c1,107", "day", 3, "after the last day"),
    "recorded before it happened": ("assessments", "9,15", "9,13", "recorded_day", 3, "before"),
    "an end before the index day": ("courses", "3,90", "3,2", "last_day", 3, "the index day"),
    "a score of a patient who is not there": (
        "assessments", "p2,0", "p3,0", "patient_id", 4, "no row in patients",
    ),
    "a session of a course that is not there": (
        "sessions", "c1,7", "c9,7", "course_id", 3, "no row in courses",
    ),
    "a row given twice": (
        "assessments", "p2,0,phq9,,18,\n", "p2,0,phq9,,18,\np2,0,phq9,,18,\n", "patient_id", 5,
        "repeats an earlier row",
    ),
}  # fmt: skip


@pytest.mark.parametrize("claim", CELLS)
def test_a_broken_cell_is_one_problem_with_its_place(
    tmp_path: Path, catalogue: Catalogue, claim: str
) -> None:
    table, text, replacement, column, row, rule = CELLS[claim]
    assert GOOD[table].count(text) == 1
    folder = written(tmp_path, **{table: GOOD[table].replace(text, replacement)})
    problems = [one for one in problems_of(folder, catalogue) if "rejected row" not in one.rule]
    assert [(one.file, one.column, one.row) for one in problems] == [(f"{table}.csv", column, row)]
    assert rule in problems[0].rule + problems[0].remedy
    assert SHY not in str(problems[0])


def test_rows_with_one_key_and_different_content_are_all_rejected(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    folder = written(tmp_path, assessments=GOOD["assessments"] + "p2,0,phq9,,11,\n")
    checked = check(read_tables(folder), catalogue)
    assert [one.row for one in checked.problems] == [4, 5]
    assert "has the same patient_id, day, instrument, item" in checked.problems[0].rule
    assert checked.study.assessments["patient_id"].tolist() == ["p1", "p1"]


def test_a_patient_at_two_sites_is_said_in_these_words(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    folder = written(tmp_path, patients=GOOD["patients"] + "p1,south,female,40,22\n")
    first, second, *following = problems_of(folder, catalogue)
    assert (first.row, second.row) == (2, 4)
    assert first.rule == "the same patient_id is at more than one site"
    assert all("belongs to a rejected row" in one.rule for one in following)


def test_what_belongs_to_a_rejected_row_goes_with_it_and_is_counted(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    folder = written(tmp_path, patients=GOOD["patients"].replace("40,22", "old,22"))
    checked = check(read_tables(folder), catalogue)
    assert [str(one) for one in checked.problems[1:3]] == [
        "courses.csv, column patient_id: belongs to a rejected row of patients (rows: 1); "
        "correct patients",
        "assessments.csv, column patient_id: belongs to a rejected row of patients (rows: 2); "
        "correct patients",
    ]
    assert {name: len(rows) for name, rows in checked.rejected.items()} == {
        "patients": 1,
        "courses": 1,
        "assessments": 2,
        "sessions": 2,
        "history": 1,
    }


def test_a_missing_required_column_names_the_misspelt_one_once(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    folder = written(tmp_path, courses=GOOD["courses"].replace("index_day", "indexday"))
    problems = problems_of(folder, catalogue)
    assert [(one.column, one.row) for one in problems] == [("index_day", None)]
    assert problems[0].remedy == "rename 'indexday', if that is it"


def test_a_misspelt_optional_column_names_the_nearest(tmp_path: Path, catalogue: Catalogue) -> None:
    folder = written(tmp_path, courses=GOOD["courses"].replace("last_day", "lastday"))
    assert [str(one) for one in problems_of(folder, catalogue)] == [
        "courses.csv, column lastday: the column is not declared; did you mean 'last_day'?"
    ]


def test_a_column_that_study_yaml_declares_must_be_there(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    folder = written(tmp_path, patients="patient_id\np1\np2\n")
    [problem] = problems_of(folder, catalogue)
    assert (problem.column, problem.rule) == (
        "bmi",
        "the column is declared in study.yaml but missing",
    )


@pytest.mark.parametrize("name", ["patients", "courses"])
def test_an_empty_table_is_said_to_be_empty(
    tmp_path: Path, catalogue: Catalogue, name: str
) -> None:
    folder = written(tmp_path, **{name: GOOD[name].splitlines()[0] + "\n"})
    assert (f"{name}.csv", "has no rows") in [
        (one.file, one.rule) for one in problems_of(folder, catalogue)
    ]


def test_a_missing_table_is_named(tmp_path: Path, catalogue: Catalogue) -> None:
    (written(tmp_path) / "courses.csv").unlink()
    assert "courses: the table is missing; add courses.csv or .parquet" in map(
        str, problems_of(tmp_path, catalogue)
    )


def test_all_problems_of_all_tables_come_at_once(tmp_path: Path, catalogue: Catalogue) -> None:
    folder = written(
        tmp_path,
        patients=GOOD["patients"].replace("40,22", "old,heavy"),
        sessions=GOOD["sessions"].replace("c1,7,integration", "c2,7,integrate"),
        history=GOOD["history"].replace("diagnosis", "rumour"),
    )
    found = {(one.file, one.column) for one in problems_of(folder, catalogue)}
    assert {
        ("patients.csv", "age"),
        ("patients.csv", "bmi"),
        ("sessions.csv", "kind"),
        ("history.csv", "kind"),
    } <= found


def test_rows_are_accepted_or_rejected_and_none_is_lost(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    folder = written(tmp_path, patients=GOOD["patients"].replace("40,22", "old,22"))
    raw = read_tables(folder)
    checked = check(raw, catalogue)
    for name, found in raw.tables.items():
        rejected = len(checked.rejected.get(name, ()))
        assert len(checked.study.tables[name]) + rejected == len(found.rows)
    assert checked.study.courses["course_id"].tolist() == ["c2"]


def test_a_rejected_row_is_kept_as_found_with_the_rules_it_breaks(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    folder = written(tmp_path, patients=GOOD["patients"].replace("male,50,23", "mal,200,23"))
    rejected = check(read_tables(folder), catalogue).rejected["patients"]
    assert rejected["row"].tolist() == [3]
    assert rejected["age"].tolist() == ["200"]
    assert "sex: is none of" in rejected["rule"][0]
    assert "age: is above 120" in rejected["rule"][0]


def test_blank_lines_do_not_shift_row_numbers(tmp_path: Path, catalogue: Catalogue) -> None:
    text = GOOD["patients"].replace("p2,south,male,50", "\np2,south,male,old")
    [age, *_] = problems_of(written(tmp_path, patients=text), catalogue)
    assert age.row == 4


def test_loading_lists_the_first_problems_and_where_to_see_all(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    bad = "".join(f"p1,{day},phq9,,{SHY},\n" for day in range(30, 60))
    written(tmp_path, assessments=GOOD["assessments"] + bad)
    with pytest.raises(DataError) as caught:
        load_study(tmp_path, catalogue)
    message = str(caught.value)
    assert "30 problems" in message
    assert "and 10 more" in message
    assert "kappredict validate" in message
    assert SHY not in message


def test_a_rule_broken_by_very_many_rows_is_listed_in_part_and_counted_whole(
    catalogue: Catalogue,
) -> None:
    definition = StudyDefinition(id="many", label="Many", synthetic=False, licence="none")
    patients = pd.DataFrame({"patient_id": [f"p{n}" for n in range(2500)], "age": -1.0})
    courses = pd.DataFrame(
        {"course_id": ["c"], "patient_id": ["p0"], "condition": ["depression"], "index_day": [0.0]}
    )
    tables = {"patients": RawTable("patients", patients), "courses": RawTable("courses", courses)}
    checked = check(RawTables(definition, tables), catalogue)
    assert len(checked.rejected["patients"]) == 2500
    assert any("1,500 more rows" in problem.rule for problem in checked.problems)


def test_a_study_may_not_replace_a_key_that_a_condition_does_not_have(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    written(tmp_path)
    (tmp_path / "study.yaml").write_text(ABOUT + "conditions: {depression: {assesed_in: {}}}\n")
    with pytest.raises(DefinitionError, match="did you mean 'assessed_in'"):
        check(read_tables(tmp_path), catalogue)


RECORD: dict[str, Any] = {
    "patient": {"sex": "female", "age": 41, "bmi": 22.5},
    "course": {"condition": "depression", "index_day": 0},
    "assessments": [{"day": -1, "instrument": "phq9", "value": 17}],
    "sessions": [{"day": 0, "kind": "dosing", "route": "iv"}],
    "history": [{"kind": "diagnosis", "code": "epilepsy", "value": 0}],
}
DEFINITION = StudyDefinition.model_validate(
    {
        "id": "records",
        "label": "Records",
        "synthetic": False,
        "licence": "none",
        "columns": {"patients": [{"name": "bmi", "label": "B", "kind": "numeric", "group": "b"}]},
    }
)


def test_a_record_gives_the_same_study_as_its_tables(tmp_path: Path, catalogue: Catalogue) -> None:
    study = study_from_records([RECORD, RECORD], DEFINITION, catalogue)
    tables = {
        "patients": "patient_id,sex,age,bmi\n1,female,41,22.5\n2,female,41,22.5\n",
        "courses": "course_id,patient_id,condition,index_day\n1,1,depression,0\n2,2,depression,0\n",
        "assessments": "patient_id,day,instrument,value\n1,-1,phq9,17\n2,-1,phq9,17\n",
        "sessions": "course_id,day,kind,route\n1,0,dosing,iv\n2,0,dosing,iv\n",
        "history": "patient_id,kind,code,value\n1,diagnosis,epilepsy,0\n2,diagnosis,epilepsy,0\n",
    }
    folder = written(tmp_path, **tables)
    raw = RawTables(DEFINITION, read_tables(folder).tables)
    expected: CheckedStudy = check(raw, catalogue)
    assert expected.problems == ()
    assert study.digest == expected.study.digest


@pytest.mark.parametrize(
    ("part", "content", "message"),
    [
        ("patiend", {}, "record 1, part 'patiend' is unknown; did you mean 'patient'"),
        ("patient", {"agee": 4711}, "patient: field 'agee' is unknown; did you mean 'age'"),
        ("patient", {"age": "4711"}, "patient: field 'age' must be a number"),
        ("patient", {"age": True}, "patient: field 'age' must be a number"),
        ("patient", {"enrolled_on": "4711"}, "'enrolled_on' must be a date"),
        ("patient", [], "patient: must be an object"),
        ("assessments", {}, "assessments: must be a list"),
        ("assessments", [4711], "assessments 1: must be an object"),
        ("assessments", [{"day": 0, "instrument": "phq9", "value": 4711}], "outside the range"),
        ("course", {"condition": "depression"}, "column index_day: is empty"),
    ],
)
def test_a_wrong_record_is_refused_by_field_and_without_its_value(
    catalogue: Catalogue, part: str, content: object, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        study_from_records([{**RECORD, part: content}], DEFINITION, catalogue)
    assert message in str(caught.value)
    assert SHY not in str(caught.value)
