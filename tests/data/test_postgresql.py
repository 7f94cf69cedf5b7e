"""A PostgreSQL database is a source like a folder of files: one snapshot of it, read only."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest

from kappredict.config.catalogue import Catalogue
from kappredict.data.importing import import_study
from kappredict.data.postgresql import copied
from kappredict.data.validation import check
from kappredict.errors import DataError, DefinitionError, UsageError

PATIENTS = "SELECT who AS patient_id, years AS age, since AS enrolled_on FROM people"
COURSES = """
SELECT who AS course_id, who AS patient_id, 'depression' AS condition, 0 AS index_day FROM people
"""
PEOPLE = """
CREATE SCHEMA clinic;
CREATE TABLE clinic."PEOPLE" (
    who bigint, years numeric(5, 1), since date, asked timestamptz, smokes boolean, note text,
    grade char(3), visits integer[], photo bytea, answers jsonb, "the ""odd"" one" smallint);
INSERT INTO clinic."PEOPLE" VALUES
    (1, 30.5, '2020-02-29', '2020-02-29 23:30+00', true, 'a', 'x', '{1,2}', 'p', '{"b": 1}', 7),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE VIEW clinic.adults AS SELECT * FROM clinic."PEOPLE" WHERE years > 18;
CREATE TABLE clinic.secrets (who bigint);
"""


@pytest.fixture(scope="module")
def clinic(postgresql: Any) -> str:
    """The address of a database with a schema of its own."""
    address: str = postgresql.database()
    with psycopg.connect(address) as connection:
        connection.execute(PEOPLE)
    return f"{address}&options=-csearch_path%3Dclinic"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    about = "{id: mine, label: Mine, synthetic: false, licence: none}"
    for name, text in (
        ("study.yaml", about), ("patients.sql", PATIENTS), ("courses.sql", COURSES)
    ):  # fmt: skip
        (tmp_path / name).write_text(text)
    return tmp_path


def test_tables_of_a_database_are_views(folder: Path, clinic: str, catalogue: Catalogue) -> None:
    checked = check(import_study(folder, clinic, catalogue), catalogue)
    assert checked.problems == ()
    patients = checked.study.patients
    assert patients["patient_id"].tolist() == ["1", "2"]
    assert patients["age"].tolist()[0] == 30.5
    assert str(patients["enrolled_on"][0].date()) == "2020-02-29"


def test_columns_keep_their_types_and_lists_are_left_out(clinic: str) -> None:
    with copied(clinic, {"people"}) as copy:
        table = pq.read_table(copy.folder / "PEOPLE.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    assert types == {
        "who": "int64", "years": "double", "since": "date32[day]", "asked": "timestamp[us]",
        "smokes": "bool", "note": "string", "grade": "string", "answers": "string",
        'the "odd" one': "int16",
    }  # fmt: skip
    assert table.to_pylist()[1] == dict.fromkeys(types) | {"who": 2}


def test_a_moment_is_the_wall_clock_of_the_databases_own_zone(postgresql: Any) -> None:
    address = postgresql.database()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE TABLE doses AS SELECT timestamptz '2020-01-01 23:30+00' AS at")
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET TimeZone = 'Asia/Kathmandu'")
    with copied(address, {"doses"}) as copy:
        (dose,) = pq.read_table(copy.folder / "doses.parquet").to_pylist()
    assert str(dose["at"]) == "2020-01-02 05:15:00"


def test_only_what_the_sql_names_is_copied_and_nothing_is_left_behind(clinic: str) -> None:
    with copied(clinic, {"adults", "absent"}) as copy:
        assert [path.name for path in copy.folder.iterdir()] == ["adults.parquet"]
        assert copy.folder.stat().st_mode & 0o077 == 0
    assert not copy.folder.exists()


def test_all_tables_come_from_one_moment(postgresql: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the reading of two tables somebody else writes to both."""
    from kappredict.data import postgresql as module

    address = postgresql.database()
    with psycopg.connect(address, autocommit=True) as writer:
        writer.execute("CREATE TABLE a (n int); CREATE TABLE b (n int)")
        copy_one: Callable[..., None] = module._copy

        def copy_and_write(*arguments: Any) -> None:
            copy_one(*arguments)
            writer.execute("INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)")

        monkeypatch.setattr(module, "_copy", copy_and_write)
        with copied(address, {"a", "b"}) as copy:
            rows = [pq.read_table(path).num_rows for path in copy.folder.iterdir()]
    assert rows == [0, 0]


def test_a_table_larger_than_a_batch_arrives_whole(postgresql: Any) -> None:
    address = postgresql.database()
    with psycopg.connect(address) as connection:
        connection.execute(
            "CREATE TABLE many AS SELECT n, repeat('x', 400) AS text "
            "FROM generate_series(1, 100000) AS n"
        )
    with copied(address, {"many"}) as copy:
        file = pq.ParquetFile(copy.folder / "many.parquet")
        assert (file.metadata.num_rows, file.num_row_groups > 1) == (100_000, True)


def test_a_missing_table_is_named_with_the_nearest(
    folder: Path, clinic: str, catalogue: Catalogue
) -> None:
    (folder / "courses.sql").write_text(COURSES.replace("FROM people", "FROM adulds"))
    with pytest.raises(DefinitionError, match=r"courses\.sql.*'adulds'; did you mean 'adults'"):
        import_study(folder, clinic, catalogue)


def test_a_schema_that_is_not_searched_is_asked_for(
    folder: Path, clinic: str, catalogue: Catalogue
) -> None:
    address = clinic.partition("&options")[0]
    with pytest.raises(UsageError, match=r"none of the tables people.*search_path%3DSCHEMA"):
        import_study(folder, address, catalogue)


@pytest.fixture(scope="module")
def guarded(postgresql: Any) -> str:
    """The address of a database whose reader needs a password, and may not read all."""
    address = postgresql.database()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE people (who int); CREATE ROLE reader LOGIN PASSWORD 'sesame'"
        )
        rules = postgresql.folder / "pg_hba.conf"
        asked = f"local {connection.info.dbname} reader scram-sha-256\n"
        rules.write_text(asked + rules.read_text())
        connection.execute("SELECT pg_reload_conf()")
    # The server reads its rules again in its own time.
    for _ in range(200):
        try:
            psycopg.connect(address.replace("postgres:@", "reader:wrong@")).close()
        except psycopg.OperationalError:
            break
        time.sleep(0.05)
    return str(address)


def test_what_cannot_be_opened_is_named_without_the_password(guarded: str) -> None:
    wrong = guarded.replace("postgres:@", "reader:knock%2Fknock@")
    addresses = {
        wrong: "reader@.*password authentication failed",
        "postgresql://reader:knock@127.0.0.1:1/x": "127.0.0.1:1/x: cannot be opened.*refused",
        "postgresql://reader:knock@kn@ock/x": "special characters as %XX",
        "postgresql://reader:kn/ock@host/x": "special characters as %XX",
        "postgresql://reader:knock%@host/x": "special characters as %XX",
    }
    for address, said in addresses.items():
        with pytest.raises(UsageError, match=said) as caught, copied(address, {"people"}):
            pass
        assert "ock" not in str(caught.value).replace("socket", "")


def test_a_table_that_may_not_be_read_is_named(guarded: str) -> None:
    right = guarded.replace("postgres:@", "reader:sesame@")
    said = r"people cannot be read.*permission denied"
    with pytest.raises(DataError, match=said), copied(right, {"people"}):
        pass


def test_the_command_takes_an_address(
    folder: Path, clinic: str, tmp_path: Path, run: Callable[..., Any]
) -> None:
    assert run("import", folder, clinic, tmp_path / "study").returncode == 0
    assert run("validate", tmp_path / "study").returncode == 0
    refused = run("import", folder, "postgresql://a:b@127.0.0.1:1/x", tmp_path / "study")
    assert (refused.returncode, "cannot be opened" in refused.said) == (2, True)
