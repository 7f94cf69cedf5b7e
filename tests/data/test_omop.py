"""The OMOP import on a small CDM made for it, from files and from a real PostgreSQL."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import duckdb
import pandas as pd
import psycopg
import pytest
from reading import drawn

from kappredict.config.catalogue import Catalogue, shipped_configs
from kappredict.data.importing import import_study
from kappredict.data.study import Study
from kappredict.data.validation import check
from kappredict.domain.task import PredictionTask
from kappredict.evaluation.modelling_set import build_modelling_set

ROOT = Path(__file__).parents[2]
OMOP = shipped_configs() / "studies" / "omop"

# What the import reads of each CDM table; ids of concepts are of this sample only.
CDM = {
    "concept": "concept_id concept_name vocabulary_id concept_code",
    "concept_ancestor": "ancestor_concept_id descendant_concept_id",
    "person": "person_id gender_concept_id year_of_birth month_of_birth day_of_birth care_site_id",
    "observation_period": "person_id observation_period_start_date observation_period_end_date",
    "death": "person_id death_date",
    "visit_occurrence": "visit_occurrence_id person_id visit_concept_id visit_start_date "
    "visit_end_date care_site_id",
    "condition_occurrence": "person_id condition_concept_id condition_start_date "
    "condition_end_date visit_occurrence_id condition_source_concept_id",
    "drug_exposure": "person_id drug_concept_id drug_exposure_start_date "
    "drug_exposure_start_datetime drug_exposure_end_date drug_exposure_end_datetime "
    "route_concept_id visit_occurrence_id",
    "procedure_occurrence": "person_id procedure_concept_id procedure_date procedure_datetime "
    "visit_occurrence_id",
    "observation": "observation_id person_id observation_concept_id observation_date "
    "observation_datetime value_as_number value_as_concept_id unit_concept_id",
    "measurement": "measurement_id person_id measurement_concept_id measurement_date "
    "measurement_datetime value_as_number value_as_concept_id unit_concept_id",
}
CONCEPTS = """
    concept_id | vocabulary_id | concept_code | concept_name
    0          | None          | 0            | No matching concept
    1          | Gender        | F            | FEMALE
    2          | Gender        | M            | MALE
    3          | Visit         | IP           | Inpatient Visit
    10         | SNOMED        | 370143000    | Major depressive disorder
    11         | SNOMED        | 36923009     | Major depression, single episode
    12         | SNOMED        | 47505003     | Posttraumatic stress disorder
    13         | SNOMED        | 82313006     | Suicide attempt
    14         | SNOMED        | 38341003     | Hypertensive disorder
    15         | ICD10CM       | F33.2        | Major depressive disorder, recurrent severe
    20         | RxNorm        | 6130         | ketamine
    21         | RxNorm        | 238082       | ketamine 50 MG/ML "Injectable" Solution
    22         | RxNorm        | 312940       | sertraline 25 MG Oral Tablet
    23         | ATC           | N06AB06      | sertraline; oral
    24         | ATC           | N06AB        | Selective serotonin reuptake inhibitors
    25         | HCPCS         | G2082        | Visit esketamine 56m or less
    26         | SNOMED        | 47625008     | Intravenous
    30         | LOINC         | 44261-6      | PHQ-9 total score
    31         | LOINC         | 44250-9      | PHQ-9 item 1
    32         | LOINC         | LA6570-1     | More than half the days
    33         | LOINC         | 99999-9      | A code that the catalogue does not have
    34         | kappredict    | madrs        | MADRS, the site's own
    40         | UCUM          | {score}      | score
    41         | UCUM          | %            | percent
"""
ANCESTORS = """
    ancestor_concept_id | descendant_concept_id
    10                  | 11
    20                  | 21
    23                  | 22
    24                  | 22
"""
# Everybody is observed in 2019 to 2021 and was diagnosed with depression on 2020-01-15, unless the
# case says otherwise; a first dose is on 2020-03-02.
DIAGNOSES = """
    person_id | condition_concept_id | condition_start_date | source | visit
    1         | 11                   | 2020-01-15           |        |
    1         | 14                   | 2019-06-01           |        |
    2         | 11                   | 2020-01-15           |        |
    3         | 10                   | 2020-03-02           |        |
    4         | 11                   | 2020-01-15           |        |
    5         | 11                   | 2020-01-15           |        |
    6         | 11                   | 2020-01-15           |        |
    6         | 11                   | 2021-01-15           |        |
    7         | 0                    | 2020-01-15           | 15     |
    7         | 12                   | 2020-01-15           |        |
    8         | 11                   | 2020-01-15           |        | 80
    8         | 13                   | 2020-01-14           |        | 80
    10        | 11                   | 2020-03-03           |        |
    11        | 11                   | 2020-01-15           |        |
    12        | 10                   | 2020-01-15           |        |
"""
DRUGS = """
    person_id | drug_concept_id | start      | started  | ended    | end        | route | visit
    1         | 22              | 2019-11-01 |          |          | 2020-02-01 |       |
    1         | 21              | 2020-03-02 | 10:00:00 | 10:40:00 | 2020-03-02 | 26    | 81
    1         | 21              | 2020-03-05 | 00:00:00 |          | 2020-03-05 | 26    |
    1         | 20              | 2020-03-09 |          |          |            |       |
    1         | 20              | 2020-03-09 |          |          |            |       |
    2         | 21              | 2020-03-02 | 10:00:00 |          | 2020-03-02 |       |
    3         | 21              | 2020-03-02 | 10:00:00 |          | 2020-03-02 |       |
    4         | 0               | 2020-03-02 |          |          | 2020-03-02 |       |
    5         | 21              | 2020-03-02 |          |          | 2020-03-02 |       |
    6         | 21              | 2020-03-02 |          |          | 2020-03-02 |       |
    6         | 21              | 2020-05-01 |          |          | 2020-05-01 |       |
    6         | 21              | 2021-03-02 |          |          | 2021-03-02 |       |
    7         | 21              | 2020-03-02 |          |          | 2020-03-02 |       |
    8         | 21              | 2020-03-02 |          |          | 2020-03-02 |       |
    9         | 21              | 2020-03-02 |          |          | 2020-03-02 |       |
    10        | 21              | 2020-03-02 |          |          | 2020-03-02 |       |
    11        | 21              | 2020-03-02 |          |          | 2020-03-02 |       |
"""
SCORES = """
    person_id | concept | date       | time     | value | answer | unit | table
    1         | 30      | 2020-02-28 |          | 20    |        | 40   | observation
    1         | 30      | 2020-03-30 |          | 8     |        |      | observation
    2         | 30      | 2020-03-02 | 09:00:00 | 18    |        |      | observation
    2         | 30      | 2020-03-02 | 12:00:00 | 15    |        |      | observation
    3         | 30      | 2020-03-02 | 00:00:00 | 18    |        |      | observation
    3         | 30      | 2020-03-01 |          | 19    |        |      | measurement
    4         | 30      | 2020-02-28 |          | 20    |        |      | observation
    5         | 0       | 2020-02-28 |          | 11    |        |      | observation
    5         | 33      | 2020-02-28 |          | 11    |        |      | observation
    5         | 30      | 2020-02-27 |          |       |        |      | observation
    5         | 30      | 2020-02-26 |          | 74    |        | 41   | measurement
    5         | 30      | 2020-02-25 |          | 12    |        |      | measurement
    5         | 30      | 2020-02-25 |          | 13    |        |      | measurement
    6         | 30      | 2021-02-28 |          | 17    |        |      | observation
    8         | 30      | 2020-02-28 |          | 16    |        |      | observation
    8         | 30      | 2020-06-01 |          | 4     |        |      | observation
    12        | 31      | 2020-02-28 |          |       | 32     |      | observation
    12        | 34      | 2020-02-28 |          | 31    |        |      | measurement
"""


VISITS = """
    id | person_id | visit_concept_id | visit_start_date | visit_end_date | care_site_id
    80 | 8         | 3                | 2020-01-14       | 2020-01-20     | 7
    81 | 1         | 0                | 2020-03-02       | 2020-03-02     | 9
"""


def cdm() -> dict[str, pd.DataFrame]:
    """The tables of the sample, every value a text."""
    people = [str(number) for number in range(1, 13)]
    diagnoses = drawn(DIAGNOSES).rename(
        columns={"source": "condition_source_concept_id", "visit": "visit_occurrence_id"}
    )
    drugs = drawn(DRUGS).rename(columns={"visit": "visit_occurrence_id"})
    drugs = drugs.assign(
        drug_exposure_start_date=drugs["start"],
        drug_exposure_start_datetime=moments(drugs["start"], drugs["started"]),
        drug_exposure_end_date=drugs["end"],
        drug_exposure_end_datetime=moments(drugs["end"], drugs["ended"]),
        route_concept_id=drugs["route"],
    )
    tables = {
        "concept": drawn(CONCEPTS),
        "concept_ancestor": drawn(ANCESTORS),
        "person": pd.DataFrame({"person_id": people}).assign(
            gender_concept_id=["1", "2", "0"] * 4, year_of_birth="1980", care_site_id="7"
        ),
        "observation_period": pd.DataFrame({"person_id": people}).assign(
            observation_period_start_date=["2020-04-01" if one == "11" else "2019-01-01"
                                           for one in people],
            observation_period_end_date="2021-12-31",
        ),
        "death": pd.DataFrame({"person_id": ["8"], "death_date": ["2020-04-11"]}),
        "visit_occurrence": drawn(VISITS).rename(columns={"id": "visit_occurrence_id"}),
        "condition_occurrence": diagnoses,
        "drug_exposure": drugs,
        "procedure_occurrence": pd.DataFrame(
            {"person_id": ["12"], "procedure_concept_id": ["25"], "procedure_date": ["2020-03-02"]}
        ),
    }  # fmt: skip
    scores = drawn(SCORES)
    for table in ("observation", "measurement"):
        tables[table] = scored(scores[scores["table"] == table], table)
    return {name: tables[name].reindex(columns=CDM[name].split()) for name in CDM}


def scored(scores: pd.DataFrame, table: str) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "id": range(len(scores)), "concept_id": scores["concept"], "date": scores["date"],
            "datetime": moments(scores["date"], scores["time"]),
        }
    ).add_prefix(f"{table}_")  # fmt: skip
    return rows.assign(
        person_id=scores["person_id"],
        value_as_number=scores["value"],
        value_as_concept_id=scores["answer"],
        unit_concept_id=scores["unit"],
    )


def moments(dates: pd.Series, times: pd.Series) -> pd.Series:
    return (dates + " " + times).where(times != "")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample as files with names and columns in capitals, as some tools write them.

    The vocabulary has tabs and quotation marks that quote nothing, as OHDSI's Athena writes it.
    """
    folder = tmp_path_factory.mktemp("cdm")
    for name, rows in cdm().items():
        rows.rename(columns=str.upper).to_csv(folder / f"{name.upper()}.csv", index=False)
    concepts = cdm()["concept"]
    lines = [concepts.columns, *concepts.to_numpy()]
    (folder / "CONCEPT.csv").write_text("".join("\t".join(line) + "\n" for line in lines))
    return folder


@pytest.fixture(scope="module")
def database(files: Path, postgresql: Any) -> str:
    """The address of the sample in a schema of a PostgreSQL database."""
    address: str = postgresql.database()
    with psycopg.connect(address) as connection:
        connection.execute("CREATE SCHEMA cdm")
    with adbc.connect(address) as connection, connection.cursor() as cursor, duckdb.connect() as db:
        for name in CDM:
            rows = db.read_csv(files / f"{name.upper()}.csv").to_arrow_table()
            lower = rows.rename_columns([column.lower() for column in rows.column_names])
            cursor.adbc_ingest(name, lower, db_schema_name="cdm")
        connection.commit()
    return f"{address}&options=-csearch_path%3Dcdm"


@pytest.fixture(scope="module")
def study(files: Path, catalogue: Catalogue) -> Study:
    checked = check(import_study(OMOP, files, catalogue), catalogue)
    assert [str(one) for one in checked.problems] == []
    return checked.study


def scores_of(study: Study, person: int) -> list[tuple[float, str, str, float]]:
    rows = study.assessments[study.assessments["patient_id"] == str(person)]
    rows = rows[["day", "instrument", "item", "value"]].fillna({"item": ""})
    return [tuple(row) for row in rows.to_numpy().tolist()]


def facts_of(study: Study, person: int) -> list[tuple[Any, ...]]:
    rows = study.history[study.history["patient_id"] == str(person)]
    return [tuple(row) for row in rows[["kind", "code", "start_day"]].to_numpy().tolist()]


def test_a_course_is_a_treatment_of_a_condition_diagnosed_before(study: Study) -> None:
    """Without mapped dose (4), diagnosis (9), diagnosis before (10) or observation (11): none."""
    courses = study.courses[["course_id", "index_day", "last_day"]].to_numpy().tolist()
    to_the_end = 669.0
    assert courses == [
        ["1-depression-1", 0, to_the_end],
        ["12-depression-1", 0, to_the_end],
        ["2-depression-1", 0, to_the_end],
        ["3-depression-1", 0, to_the_end],
        ["5-depression-1", 0, to_the_end],
        ["6-depression-1", 0, 364.5],
        ["6-depression-2", 365, to_the_end],
        ["7-depression-1", 0, to_the_end],
        ["7-ptsd-1", 0, to_the_end],
        ["8-depression-1", 0, 40],
    ]


def test_patients_are_those_with_a_course(study: Study) -> None:
    patients = study.patients.set_index("patient_id")
    assert len(patients) == 8
    assert patients.loc[["1", "2", "3"], "sex"].tolist() == ["female", "male", "unknown"]
    assert patients.loc[["1", "2"], "site"].tolist() == ["9", "7"]
    assert patients["age"].unique().tolist() == [39]
    assert patients["enrolled_on"].astype("str").unique().tolist() == ["2020-03-02"]


def test_each_day_with_ketamine_is_a_session(study: Study) -> None:
    rows = study.sessions[study.sessions["course_id"] == "1-depression-1"]
    assert rows["day"].tolist() == [0, 3, 7]
    assert rows["route"].tolist()[:2] == ["iv", "iv"]
    assert rows["minutes"].tolist()[0] == 40
    by_course = study.sessions.groupby("course_id").size()
    assert by_course[["6-depression-1", "6-depression-2", "12-depression-1"]].tolist() == [2, 1, 1]


def test_a_score_of_the_dose_day_lies_before_it_only_where_its_time_says_so(study: Study) -> None:
    assert scores_of(study, 2) == [(-0.5, "phq9", "", 18), (0, "phq9", "", 15)]
    assert scores_of(study, 3) == [(-1, "phq9", "", 19), (0, "phq9", "", 18)]


def test_what_is_unmapped_unknown_empty_or_no_score_is_not_imported(study: Study) -> None:
    """Of two values of one day, the one entered last counts."""
    assert scores_of(study, 5) == [(-6, "phq9", "", 13)]


def test_items_may_be_answered_in_words_and_a_site_may_have_concepts_of_its_own(
    study: Study,
) -> None:
    assert scores_of(study, 12) == [(-3, "madrs", "", 31), (-3, "phq9", "1", 2)]


def test_nothing_is_scored_after_death(study: Study) -> None:
    assert scores_of(study, 8) == [(-3, "phq9", "", 16)]


def test_history_has_codes_that_features_know(study: Study) -> None:
    assert set(facts_of(study, 1)) == {
        ("diagnosis", "major_depression", -47), ("diagnosis", "38341003", -275),
        ("medication", "N06AB06", -122),
    }  # fmt: skip
    assert set(facts_of(study, 7)) == {
        ("diagnosis", "F33.2", -47), ("diagnosis", "ptsd", -47)
    }  # fmt: skip
    assert set(facts_of(study, 8)) == {
        ("diagnosis", "major_depression", -47), ("event", "suicide_attempt", -48),
        ("event", "psychiatric_admission", -48), ("event", "death", 40),
    }  # fmt: skip


def test_a_database_gives_the_very_same_study(
    study: Study, database: str, catalogue: Catalogue
) -> None:
    checked = check(import_study(OMOP, database, catalogue), catalogue)
    assert checked.problems == ()
    for name, rows in checked.study.tables.items():
        pd.testing.assert_frame_equal(rows, study.tables[name])
    assert checked.study.digest == study.digest


def test_scores_reach_features_and_outcomes(study: Study, catalogue: Catalogue) -> None:
    task = PredictionTask(catalogue.condition("depression"), "response", "baseline")
    made = build_modelling_set(study, catalogue, task)
    rows = made.features.frame.set_axis(made.courses["course_id"])
    assert rows["phq9_last"].dropna().to_dict() == {
        "1-depression-1": 20, "2-depression-1": 18, "3-depression-1": 19, "5-depression-1": 13,
        "6-depression-2": 17, "8-depression-1": 16,
    }  # fmt: skip
    assert rows["takes_antidepressant"].loc["1-depression-1"] == 1
    assert rows["suicide_attempt"].loc["8-depression-1"] == 1
    answered = pd.Series(made.target.outcome, index=rows.index).dropna()
    assert answered.to_dict() == {"1-depression-1": 1}


def test_the_commands_of_the_manual_import_a_sound_study(
    files: Path, database: str, tmp_path: Path, run: Callable[..., Any]
) -> None:
    page = ROOT / "docs" / "how-to" / "your-own-data.md"
    commands = re.findall(r"^\$ kappredict (import \S+/omop .*)$", page.read_text("utf-8"), re.M)
    sources = [(files, *shlex.split(commands[0])), (database, *shlex.split(commands[1]))]
    for source, command, folder, _, out in sources:
        assert run(command, ROOT / folder, source, tmp_path / out).returncode == 0
        assert run("validate", tmp_path / out).returncode == 0
