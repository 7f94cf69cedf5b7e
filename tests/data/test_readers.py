"""A study survives being written and read; what cannot be read or written is said once."""

import gzip
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kappredict.config.catalogue import Catalogue
from kappredict.data.readers import read_tables
from kappredict.data.study import Study
from kappredict.data.validation import check, load_study
from kappredict.data.writers import write_rejected, write_study
from kappredict.domain.studies import StudyDefinition
from kappredict.errors import DataError, DefinitionError


def study(*, synthetic: bool = False, n: int = 3) -> Study:
    ids = [f"p{number}" for number in range(n)]
    definition = StudyDefinition.model_validate(
        {
            "id": "small",
            "label": "A small study",
            "synthetic": synthetic,
            "licence": "none",
            "columns": {
                "patients": [
                    {"name": "works", "label": "Works", "kind": "flag", "group": "social"},
                    {"name": "bmi", "label": "BMI", "kind": "numeric", "group": "body"},
                    {"name": "city", "label": "City", "kind": "category", "group": "social"},
                ]
            },
        }
    )
    patients = pd.DataFrame(
        {
            "patient_id": ids,
            "site": "north",
            "age": [30.5, *[np.nan] * (n - 1)],
            "enrolled_on": pd.Timestamp("2024-02-29"),
            "works": 1.0,
            "bmi": 22.25,
            "city": "Århus",
        }
    )
    courses = pd.DataFrame(
        {"course_id": ids, "patient_id": ids, "condition": "depression", "index_day": 0.0}
    )
    scores = pd.DataFrame(
        {"patient_id": ids, "day": -0.5, "instrument": "phq9", "item": None, "value": 17.0}
    )
    return Study.of(definition, {"patients": patients, "courses": courses, "assessments": scores})


def as_csv(source: Study, folder: Path) -> Path:
    write_study(source, folder)
    for path in folder.glob("*.parquet"):
        pd.read_parquet(path).to_csv(path.with_suffix(".csv"), index=False)
        path.unlink()
    return folder


def test_a_study_reads_back_as_it_was_written(tmp_path: Path, catalogue: Catalogue) -> None:
    written = study()
    write_study(written, tmp_path / "small")
    assert load_study(tmp_path / "small", catalogue).digest == written.digest


def test_csv_and_parquet_give_the_same_study(tmp_path: Path, catalogue: Catalogue) -> None:
    folder = as_csv(study(), tmp_path / "small")
    assert load_study(folder, catalogue).digest == study().digest


def test_a_gzipped_csv_is_read(tmp_path: Path, catalogue: Catalogue) -> None:
    folder = as_csv(study(), tmp_path / "small")
    plain = folder / "patients.csv"
    (folder / "patients.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert load_study(folder, catalogue).digest == study().digest


def test_every_row_of_a_synthetic_study_is_marked(tmp_path: Path) -> None:
    write_study(study(synthetic=True), tmp_path / "small")
    for path in (tmp_path / "small").glob("*.parquet"):
        assert pd.read_parquet(path)["synthetic"].all()


def test_a_synthetic_study_that_claims_to_be_real_is_refused(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    folder = tmp_path / "small"
    write_study(study(synthetic=True), folder)
    about = folder / "study.yaml"
    about.write_text(about.read_text().replace("synthetic: true", "synthetic: false"))
    with pytest.raises(DataError, match="marked as synthetic"):
        load_study(folder, catalogue)


def test_a_file_that_is_no_table_is_named_with_the_nearest_table(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    folder = as_csv(study(), tmp_path / "small")
    (folder / "assessments.csv").rename(folder / "assesments.csv")
    with pytest.raises(DataError, match=r"assesments\.csv: .*did you mean 'assessments'"):
        load_study(folder, catalogue)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("patients.parquet", b"no parquet", "cannot be read"),
        ("patients.csv.gz", b"no gzip", "cannot be read"),
        ("patients.csv", "patient_id,site\np1,Århus\n".encode("latin-1"), "not UTF-8"),
        ("patients.csv", b"", "is empty"),
        ("patients.csv", b"patient_id\np1,north\n", "more cells than its header"),
        ("patients.csv", b"patient_id,site\np1,a\np2,b,c\n", "line 3"),
    ],
)
def test_an_unreadable_file_is_one_problem_that_names_it(
    tmp_path: Path, catalogue: Catalogue, name: str, content: bytes, reason: str
) -> None:
    folder = as_csv(study(), tmp_path / "small")
    (folder / "patients.csv").unlink()
    (folder / name).write_bytes(content)
    problems = [str(problem) for problem in check(read_tables(folder), catalogue).problems]
    assert len(problems) == 1
    assert problems[0].startswith(name)
    assert reason in problems[0]


def test_a_folder_without_a_definition_says_what_a_study_is(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no study\.yaml"):
        read_tables(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        read_tables(tmp_path / "absent")


def test_a_wrong_definition_names_the_key(tmp_path: Path) -> None:
    write_study(study(), tmp_path / "small")
    about = tmp_path / "small" / "study.yaml"
    about.write_text(about.read_text().replace("licence:", "license:"))
    with pytest.raises(DefinitionError, match="did you mean 'licence'"):
        read_tables(tmp_path / "small")


def test_a_written_study_replaces_the_earlier_one_whole(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    as_csv(study(n=5), tmp_path / "small")
    write_study(study(), tmp_path / "small")
    assert load_study(tmp_path / "small", catalogue).digest == study().digest
    assert not list((tmp_path / "small").glob("*.csv"))


def test_a_folder_of_something_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("Dear")
    with pytest.raises(DataError, match="is no study"):
        write_study(study(), tmp_path / "letters")
    assert (tmp_path / "letters" / "dear.txt").read_text() == "Dear"


def test_a_folder_that_cannot_be_made_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        write_study(study(), tmp_path / "file" / "small")


def test_a_full_disk_leaves_the_earlier_study_untouched(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    write_study(study(), tmp_path / "small")
    with _room_for(20_000), pytest.raises(DataError, match="cannot be written"):
        write_study(study(n=20_000), tmp_path / "small")
    assert load_study(tmp_path / "small", catalogue).digest == study().digest
    assert [path.name for path in tmp_path.iterdir()] == ["small"]


def test_rejected_rows_of_an_earlier_check_do_not_stay(tmp_path: Path) -> None:
    rows = pd.DataFrame({"row": [2], "rule": ["age: is below 0"], "age": ["-1"]})
    place = write_rejected({"patients": rows}, tmp_path)
    assert place is not None
    assert (place / "patients.csv").read_text().splitlines() == [
        "row,rule,age",
        "2,age: is below 0,-1",
    ]
    assert write_rejected({}, tmp_path) is None
    assert not place.exists()


@contextmanager
def _room_for(size: int) -> Iterator[None]:
    """Let no file grow beyond `size` bytes, as on a disk that fills up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
