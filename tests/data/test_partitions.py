"""A study in partitions holds what the whole held: every patient in one of them, no row lost."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from kappredict.config.catalogue import Catalogue
from kappredict.data.outline import joined as joined_outlines
from kappredict.data.outline import outline
from kappredict.data.partitioning import partition_import, partition_study
from kappredict.data.partitions import check_study, refuse_crossing
from kappredict.data.readers import parts_of, read_tables
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.study import Study
from kappredict.data.tables import TABLES
from kappredict.data.validation import load_study
from kappredict.data.writers import write_study
from kappredict.errors import DataError, UsageError
from kappredict.features.specs import feature_specs

PARTS = 3


@pytest.fixture(scope="module")
def study() -> Study:
    return simulate(load_parameters(), patients=120, seed=2).study


@pytest.fixture(scope="module")
def whole(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("partitions") / "whole"
    write_study(study, folder)
    return folder


@pytest.fixture(scope="module")
def divided(whole: Path, catalogue: Catalogue) -> Path:
    out = whole.parent / "divided"
    checked = partition_study(whole, out, catalogue, PARTS)
    assert checked.problems == ()
    return out


@pytest.fixture
def mine(divided: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return shutil.copytree(divided, tmp_path / "mine")


def test_partitions_together_hold_every_row_once(
    study: Study, divided: Path, catalogue: Catalogue
) -> None:
    parts = [load_study(part, catalogue) for part in parts_of(divided)]
    assert len(parts) == PARTS
    for name, rows in study.tables.items():
        together = pd.concat([part.tables[name] for part in parts], ignore_index=True)
        again = Study.of(study.definition, {name: together}).tables[name]
        pd.testing.assert_frame_equal(again, rows, check_exact=True)


def test_a_patient_meets_all_rows_of_theirs_in_one_partition(
    divided: Path, catalogue: Catalogue
) -> None:
    for part in (load_study(part, catalogue) for part in parts_of(divided)):
        patients, courses = set(part.patients["patient_id"]), set(part.courses["course_id"])
        assert set(part.courses["patient_id"]) == patients
        assert set(part.assessments["patient_id"]) <= patients
        assert set(part.sessions["course_id"]) <= courses


def test_where_a_patient_goes_follows_from_the_id_alone(
    study: Study, divided: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    """From an import of text files in another order, too."""
    for name, rows in study.tables.items():
        rows.iloc[::-1].assign(synthetic=True).to_csv(tmp_path / f"{name}.csv", index=False)
    queries = tmp_path / "import"
    queries.mkdir()
    shutil.copy(divided / "study.yaml", queries)
    for name in TABLES:
        (queries / f"{name}.sql").write_text(f"FROM {name} -- as it is")
    out = tmp_path / "out"
    partition_import(queries, tmp_path, out, catalogue, PARTS)
    for one, other in zip(parts_of(divided), parts_of(out), strict=True):
        assert load_study(one, catalogue).digest == load_study(other, catalogue).digest


def test_a_problem_names_its_partition_and_the_rejected_row_lies_there(
    mine: Path, catalogue: Catalogue
) -> None:
    part = parts_of(mine)[1]
    patients = pd.read_parquet(part / "patients.parquet")
    patients.loc[patients.index[4], "age"] = 400.0
    patients.to_parquet(part / "patients.parquet")
    checked = check_study(mine, catalogue)
    assert str(checked.problems[0]).startswith(
        "part-00001/patients.parquet, row 5, column age: is above 120"
    )
    assert len(pd.read_csv(part / "rejected" / "patients.csv")) == 1
    assert not (parts_of(mine)[0] / "rejected").exists()


def test_a_course_in_two_partitions_is_found_and_refused(mine: Path, catalogue: Catalogue) -> None:
    shutil.copytree(parts_of(mine)[0], mine / "part-00009")
    said = [str(problem) for problem in check_study(mine, catalogue).problems]
    number = len(pd.read_parquet(mine / "part-00009" / "courses.parquet"))
    assert f"courses, column course_id: {number} are in more than one partition" in said[1]
    with pytest.raises(DataError, match="in more than one partition"):
        refuse_crossing(mine)


def test_too_many_partitions_are_refused_and_what_was_there_stays(
    whole: Path, mine: Path, catalogue: Catalogue
) -> None:
    with pytest.raises(UsageError, match="500 partitions are too many"):
        partition_study(whole, mine, catalogue, 500)
    assert len(parts_of(mine)) == PARTS
    assert [path.name for path in mine.parent.iterdir()] == ["mine"]


def test_a_command_for_a_whole_study_says_that_this_one_is_in_partitions(divided: Path) -> None:
    with pytest.raises(DataError, match="is a study in 3 partitions"):
        read_tables(divided)


def test_an_outline_lists_the_features_of_the_whole(
    study: Study, divided: Path, catalogue: Catalogue
) -> None:
    parts = [outline(load_study(part, catalogue)) for part in parts_of(divided)]
    together = joined_outlines(parts)
    for condition in catalogue.conditions:
        wanted = feature_specs(catalogue, study, condition)
        assert feature_specs(catalogue, together, condition) == wanted
    assert set(together.courses["condition"]) == set(study.courses["condition"])
    assert sum(map(len, together.tables.values())) < 200
