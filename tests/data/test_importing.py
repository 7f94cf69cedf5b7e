"""An import is SQL over a source's files, whatever their format, and can change nothing."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest

from kappredict.config.catalogue import Catalogue
from kappredict.data.importing import import_study
from kappredict.data.validation import check
from kappredict.errors import DataError, DefinitionError, UsageError

ABOUT = "{id: mine, label: Mine, synthetic: false, licence: none}"
PATIENTS = "-- Everybody.\nSELECT who AS patient_id, years AS age FROM people"
COURSES = """
-- One course a person.
SELECT who AS course_id, who AS patient_id, 'depression' AS condition, 0 AS index_day FROM people;
"""
PEOPLE = pd.DataFrame({"who": [1, 2], "years": [30, 40], "smokes": ["Yes", "No"]})


def an_import(folder: Path, patients: str = PATIENTS, courses: str = COURSES) -> Path:
    (folder / "import").mkdir()
    (folder / "import" / "study.yaml").write_text(ABOUT)
    (folder / "import" / "patients.sql").write_text(patients)
    (folder / "import" / "courses.sql").write_text(courses)
    return folder / "import"


def a_source(folder: Path, name: str = "people.csv") -> Path:
    (folder / "source").mkdir()
    place = folder / "source" / name
    plain = name.removesuffix(".gz")
    if plain.endswith("parquet"):
        PEOPLE.to_parquet(place)
        return place.parent
    texts = {
        "csv": PEOPLE.to_csv(index=False),
        "tsv": PEOPLE.to_csv(index=False, sep="\t"),
        "json": json.dumps(PEOPLE.to_dict("records")),
        "ndjson": PEOPLE.to_json(orient="records", lines=True),
    }
    text = texts[plain.rsplit(".", 1)[1]].encode()
    place.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return place.parent


@pytest.mark.parametrize(
    "name",
    ["people.csv", "people.csv.gz", "people.tsv", "people.parquet", "people.ndjson", "people.json",
     "people.ndjson.gz"],
)  # fmt: skip
def test_every_format_gives_the_same_study(tmp_path: Path, catalogue: Catalogue, name: str) -> None:
    checked = check(
        import_study(an_import(tmp_path), a_source(tmp_path, name), catalogue), catalogue
    )
    assert checked.problems == ()
    assert checked.study.patients["patient_id"].tolist() == ["1", "2"]
    assert checked.study.patients["age"].tolist() == [30.0, 40.0]


def test_a_yes_or_no_column_can_be_cast_to_a_number(tmp_path: Path, catalogue: Catalogue) -> None:
    query = "SELECT who AS patient_id, CAST(smokes AS INTEGER) AS age FROM people"
    raw = import_study(an_import(tmp_path, query), a_source(tmp_path), catalogue)
    assert raw.tables["patients"].rows["age"].tolist() == [1, 0]


def test_a_missing_source_file_is_named_with_the_nearest(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    folder = an_import(tmp_path, PATIENTS.replace("people", "poeple"))
    with pytest.raises(DefinitionError, match=r"patients\.sql.*'poeple'; did you mean 'people'"):
        import_study(folder, a_source(tmp_path), catalogue)


def test_a_wrong_query_names_its_file_and_duckdbs_reason(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    folder = an_import(tmp_path, PATIENTS.replace("years", "yeers"))
    with pytest.raises(DefinitionError, match=r"patients\.sql.*yeers"):
        import_study(folder, a_source(tmp_path), catalogue)


def test_a_value_that_cannot_be_converted_is_not_shown(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    query = "SELECT who AS patient_id, CAST('secret' || smokes AS DOUBLE) AS age FROM people"
    with pytest.raises(DefinitionError) as caught:
        import_study(an_import(tmp_path, query), a_source(tmp_path), catalogue)
    assert "onver" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "query",
    ["COPY people TO '{out}'", "SELECT 1; SELECT 2", "CREATE TABLE mine AS FROM people", ""],
)
def test_only_a_single_select_is_run(tmp_path: Path, query: str, catalogue: Catalogue) -> None:
    out = tmp_path / "source" / "out.csv"
    folder = an_import(tmp_path, query.format(out=out))
    with pytest.raises(DefinitionError, match="exactly one SELECT"):
        import_study(folder, a_source(tmp_path), catalogue)
    assert not out.exists()


def test_a_query_reads_no_file_outside_the_source(tmp_path: Path, catalogue: Catalogue) -> None:
    (tmp_path / "other.csv").write_text("who,years\n1,2\n")
    query = PATIENTS.replace("people", f"read_csv('{tmp_path / 'other.csv'}')")
    with pytest.raises(DefinitionError, match="Cannot access file"):
        import_study(an_import(tmp_path, query), a_source(tmp_path), catalogue)


def test_an_import_without_its_courses_is_incomplete(tmp_path: Path, catalogue: Catalogue) -> None:
    folder = an_import(tmp_path)
    (folder / "courses.sql").rename(folder / "coures.sql")
    with pytest.raises(DefinitionError, match=r"courses\.sql is missing.*mean 'courses\.sql'"):
        import_study(folder, a_source(tmp_path), catalogue)


def test_a_source_that_is_not_there_or_empty_is_a_usage_error(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    folder = an_import(tmp_path)
    with pytest.raises(UsageError, match="no such folder"):
        import_study(folder, tmp_path / "absent", catalogue)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no file that can be imported"):
        import_study(folder, tmp_path / "empty", catalogue)


def test_sql_finds_the_catalogues_codes_in_views(tmp_path: Path, catalogue: Catalogue) -> None:
    query = """
        SELECT score.code AS patient_id, instrument || item AS site, term.means AS sex
        FROM catalogue_scores AS score
        CROSS JOIN catalogue_conditions AS condition
        CROSS JOIN catalogue_terms AS term
        WHERE score.system = 'http://loinc.org' AND score.code IN ('44261-6', '44250-9')
        AND condition.system = 'http://snomed.info/sct' AND condition = 'depression'
        AND term.kind = 'routes' AND term.code = '47625008'
        ORDER BY site"""
    rows = import_study(an_import(tmp_path, query), a_source(tmp_path), catalogue).tables[
        "patients"
    ]
    assert rows.rows.to_numpy().tolist() == [["44261-6", "phq9", "iv"], ["44250-9", "phq91", "iv"]]


def test_a_file_named_as_a_view_of_the_catalogue_is_refused(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    source = a_source(tmp_path, "catalogue_scores.csv")
    with pytest.raises(DataError, match="rename it"):
        import_study(an_import(tmp_path), source, catalogue)


def shared(folder: Path, **queries: str) -> Path:
    """An import whose tables' queries share others."""
    made = an_import(folder, "SELECT who AS patient_id, years AS age FROM grown_up")
    (made / "shared").mkdir()
    for name, query in queries.items():
        (made / "shared" / f"{name}.sql").write_text(query)
    return made


def test_queries_share_what_several_of_them_need(tmp_path: Path, catalogue: Catalogue) -> None:
    adult = "SELECT * FROM older WHERE years > 40"
    older = "SELECT who, years + 1 AS years FROM people;"
    folder = shared(tmp_path, grown_up=adult, older=older)
    rows = import_study(folder, a_source(tmp_path), catalogue).tables["patients"].rows
    assert rows["age"].tolist() == [41]


def test_shared_queries_that_use_each_other_are_refused(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    folder = shared(tmp_path, grown_up="FROM older", older="FROM Grown_Up")
    with pytest.raises(DefinitionError, match="use each other: grown_up, older"):
        import_study(folder, a_source(tmp_path), catalogue)


def test_a_shared_query_is_blamed_for_what_is_wrong_in_it(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    folder = shared(tmp_path, grown_up="SELECT who, yeers FROM people")
    with pytest.raises(DefinitionError, match=r"grown_up\.sql.*yeers"):
        import_study(folder, a_source(tmp_path), catalogue)


def test_two_files_with_one_name_are_refused(tmp_path: Path, catalogue: Catalogue) -> None:
    source = a_source(tmp_path)
    PEOPLE.to_parquet(source / "people.parquet")
    with pytest.raises(DataError, match=r"people\.csv and people\.parquet"):
        import_study(an_import(tmp_path), source, catalogue)


def test_problems_name_the_query_and_its_row(tmp_path: Path, catalogue: Catalogue) -> None:
    folder = an_import(tmp_path, PATIENTS.replace("years AS", "years * 10 - 300 - who AS"))
    problems = check(import_study(folder, a_source(tmp_path), catalogue), catalogue).problems
    assert (problems[0].file, problems[0].row, problems[0].column) == ("patients.sql", 1, "age")
