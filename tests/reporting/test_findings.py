from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

from kappredict.errors import DataError, UsageError
from kappredict.estimators.bundle import digest
from kappredict.reporting.findings import Findings
from kappredict.tracking.store import Store
from pipelines.models import open_findings
from pipelines.train import Training

ROW_LEVEL = ("predictions", "contributions", "features")


def test_findings_survive_being_written(findings: list[Findings], tmp_path: Path) -> None:
    for number, one in enumerate(findings):
        one.save(tmp_path / str(number))
        again = Findings.load(tmp_path / str(number))
        assert (again.task, again.digest) == (one.task, one.digest)
        assert again.recipe.model_dump_json() == one.recipe.model_dump_json()
        assert set(again.figures) == set(one.figures)
        for name, table in one.tables.items():
            assert_frame_equal(
                again.tables[name], table, check_dtype=False, check_column_type=False
            )


def test_a_folder_without_findings_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no findings"):
        Findings.load(tmp_path)


def test_the_store_finds_them_by_bundle_folder_and_by_registered_name(trained: Training) -> None:
    one = trained.trained[0]
    store = Store.at(str(one.folder.parents[3] / "mlflow"))
    task = one.bundle.task.name
    for name in (str(one.folder), f"{task}@challenger"):
        (found,) = open_findings([name], store)
        assert (found.task, found.digest) == (task, digest(one.folder))
    every = open_findings([str(one.folder.parents[2])], store)
    assert {found.task for found in every} == {each.bundle.task.name for each in trained.trained}


def test_a_bundle_that_no_run_made_is_refused_with_the_remedy(
    trained: Training, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="name the store that did by --store"):
        open_findings([str(trained.trained[0].folder)], Store.at(str(tmp_path)))


def test_row_level_tables_have_no_identifier_and_no_date(
    trained: Training, findings: list[Findings]
) -> None:
    named = set(trained.study.patients["patient_id"]) | set(trained.study.courses["course_id"])
    for one in findings:
        for name in ROW_LEVEL:
            table = one.tables[name]
            assert not named & set(table.astype("str").to_numpy().ravel())
            assert not [column for column, kind in table.dtypes.items() if "date" in str(kind)]


def test_contributions_are_of_the_rows_that_were_predicted(findings: list[Findings]) -> None:
    for one in findings:
        predicted = set(one.tables["predictions"]["row"])
        assert set(one.tables["contributions"]["row"]) <= predicted
