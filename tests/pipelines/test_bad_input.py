"""Bad input, as a user meets it: one message that names what is wrong, and an exit code."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kappredict.config.catalogue import Catalogue
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.data.writers import write_study
from kappredict.domain.studies import ExtraColumn, StudyDefinition
from kappredict.domain.task import PredictionTask
from kappredict.evaluation.modelling_set import ModellingSet, build_modelling_set
from pipelines.train import Training

TINY = """
seed: 1
outcomes: [response]
landmarks: [baseline]
inner_folds: 2
resamples: 20
schemes:
  leave_site_out: {most_folds: 4}
response_candidates:
  - {model: logistic, inverse_penalty: 0.05}
relapse_candidates:
  - {model: boosted_aft, rounds: 5}
"""


@pytest.fixture(scope="module")
def study() -> Study:
    return simulate(load_parameters(), patients=250, seed=8, conditions=("depression",)).study


@pytest.fixture(scope="module")
def responses(study: Study, catalogue: Catalogue) -> ModellingSet:
    return modelling_set(study, catalogue)


def modelling_set(study: Study, catalogue: Catalogue) -> ModellingSet:
    task = PredictionTask(catalogue.condition("depression"), "response", "baseline")
    return build_modelling_set(with_totals(study, catalogue.instruments), catalogue, task)


@dataclass(frozen=True)
class Bench:
    """A place to train in; all trainings of this file share one store."""

    folder: Path
    store: Path
    run: Callable[..., Any]

    def train(self, study: Study, *more: object) -> Any:
        write_study(study, self.folder / "study")
        (self.folder / "tiny.yaml").write_text(TINY)
        return self.run(
            *("train", "all", "--study", self.folder / "study"),
            *("--training", self.folder / "tiny.yaml", "--models", self.folder / "models"),
            *("--store", self.store, *more),
        )


@pytest.fixture
def bench(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, run: Callable[..., Any]
) -> Bench:
    return Bench(tmp_path, tmp_path_factory.getbasetemp() / "store-of-bad-input", run)


def with_patients(study: Study, patients: pd.DataFrame, *extra: ExtraColumn) -> Study:
    columns = {**study.definition.columns, "patients": extra} if extra else study.definition.columns
    definition = StudyDefinition.model_validate(
        study.definition.model_dump() | {"columns": {k: list(v) for k, v in columns.items()}}
    )
    return Study.of(definition, {**study.tables, "patients": patients})


def only(study: Study, patients: pd.Series) -> Study:
    """Give the study of some patients."""
    courses = study.courses[study.courses["patient_id"].isin(patients)]
    tables = {
        name: rows[rows["patient_id"].isin(patients)]
        if "patient_id" in rows
        else rows[rows["course_id"].isin(courses["course_id"])]
        for name, rows in study.tables.items()
    }
    return Study.of(study.definition, tables)


def test_one_outcome_class_is_not_modelled_but_its_rate_is_told(
    bench: Bench, study: Study, responses: ModellingSet
) -> None:
    failed = responses.courses.loc[responses.target.strata == 0, "patient_id"]
    done = bench.train(only(study, failed), "--json", bench.folder / "out.json")
    assert done.returncode == 12
    assert f"all courses: 0 of {len(failed)}, 0.00 (0.00 to 0.0" in done.stdout
    assert "not modelled" in done.stdout
    assert "Traceback" not in done.stderr
    content = json.loads((bench.folder / "out.json").read_text())
    assert content["models"] == []
    assert content["refused"][0]["rates"][0]["n"] == len(failed)
    assert not (bench.folder / "models").exists()


def test_courses_without_a_baseline_score_are_left_out_and_counted(
    study: Study, responses: ModellingSet, catalogue: Catalogue
) -> None:
    some = responses.courses.head(25)
    scores = study.assessments.merge(
        study.courses[["patient_id", "index_day"]], on="patient_id", validate="many_to_one"
    )
    early = scores["patient_id"].isin(some["patient_id"]) & (scores["day"] < scores["index_day"])
    assessments = study.assessments[~early.to_numpy()]
    fewer = modelling_set(
        Study.of(study.definition, {**study.tables, "assessments": assessments}), catalogue
    )
    name = "with a baseline score on an accepted scale"
    before, after = dict(responses.attrition.steps)[name], dict(fewer.attrition.steps)[name]
    assert before - after == 25
    assert not set(fewer.courses["course_id"]) & set(some["course_id"])


def test_a_column_that_is_missing_everywhere_or_in_one_fold_only_trains_all_the_same(
    bench: Bench, study: Study
) -> None:
    patients = study.patients.copy()
    one_site = patients["site"] == patients["site"].mode()[0]
    patients["age"] = patients["age"].where(one_site)  # unknown where that site is left out
    patients["sex"] = pd.Series(pd.NA, index=patients.index, dtype="str")
    empty = ExtraColumn(name="empty", label="Empty", kind="numeric", group="empty")
    done = bench.train(with_patients(study, patients.assign(empty=np.nan), empty))
    assert done.returncode == 0, done.stderr
    assert "depression/response/baseline" in done.stdout


def test_a_planted_leak_is_suspected_by_name(
    bench: Bench, study: Study, responses: ModellingSet
) -> None:
    outcome = pd.Series(responses.target.strata, index=responses.courses["patient_id"])
    patients = study.patients.assign(later=study.patients["patient_id"].map(outcome).astype(float))
    leak = ExtraColumn(name="later", label="Later", kind="numeric", group="later")
    out = bench.folder / "out" / "training.json"
    done = bench.train(with_patients(study, patients, leak), "--json", out)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "possible leak" in said
    assert "Look first at: later (1.00 alone)" in said
    (model,) = json.loads(out.read_text())["models"]
    assert "possible leak" in model["warnings"][0]


def test_names_in_brackets_are_shown_as_they_are(bench: Bench, study: Study) -> None:
    """Rich would take them for markup: swallow them, or fail."""
    few = only(study, study.patients["patient_id"].head(40))
    arms = np.where(np.arange(len(few.courses)) % 2, "[bold]", "[/bold]")
    courses = few.courses.assign(arm=pd.Series(arms, index=few.courses.index, dtype="str"))
    done = bench.train(Study.of(few.definition, {**few.tables, "courses": courses}))
    assert done.returncode == 12, done.stderr
    assert "[bold]: " in done.stdout
    assert "[/bold]: " in done.stdout
    missing = bench.run("validate", bench.folder / "study[old]")
    assert "study[old]: there is no such folder" in missing.stderr


def test_a_folder_that_is_no_bundle_is_said_to_be_none(
    bench: Bench, tmp_path: Path, place: Path
) -> None:
    (tmp_path / "empty").mkdir()
    done = bench.run("predict", tmp_path / "empty", place / "study")
    assert done.returncode == 11
    assert "is no bundle: manifest.json cannot be read" in done.said


def test_settings_that_do_not_exist_are_named(bench: Bench, place: Path) -> None:
    done = bench.run("train", "all", "--study", place / "study", "--training", "no_such")
    assert done.returncode == 10
    assert "no_such.yaml" in done.said


def test_an_unknown_option_is_a_mistake_of_usage(bench: Bench) -> None:
    assert bench.run("train", "all", "--studdy", "x").returncode == 2


def test_a_score_out_of_range_is_named_by_file_and_row(
    bench: Bench, study: Study, tmp_path: Path
) -> None:
    write_study(study, tmp_path / "study")
    rows = pd.read_parquet(tmp_path / "study" / "assessments.parquet")
    rows.loc[rows.index[6], "value"] = 987654.0
    rows.to_parquet(tmp_path / "study" / "assessments.parquet", index=False)
    done = bench.run("validate", tmp_path / "study")
    assert done.returncode == 11
    assert "assessments.parquet" in done.stdout
    assert "row 7" in done.stdout
    assert "987654" not in done.stdout + done.stderr
    assert len(pd.read_csv(tmp_path / "study" / "rejected" / "assessments.csv")) == 1


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ('{"patient": {"aeg": 40}, "course": {}}', "field 'aeg' is unknown; did you mean 'age'?"),
        ('{"patient": {"age": "forty"}, "course": {}}', "field 'age' must be a number"),
        ('{"patient": {}}', "part 'course' is missing"),
        ('{"patient": ', "is not JSON"),
    ],
)
def test_a_wrong_patient_record_is_named_by_record_and_field(
    bench: Bench, training: Training, tmp_path: Path, content: str, named: str
) -> None:
    (tmp_path / "patient.json").write_text(content)
    done = bench.run("predict", training.trained[0].folder, tmp_path / "patient.json")
    assert done.returncode == 11
    assert named in done.said
    assert "forty" not in done.said
    assert "Traceback" not in done.stderr


def test_an_output_that_cannot_be_written_is_named(
    bench: Bench, training: Training, place: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "answers.csv"
    done = bench.run("predict", training.trained[0].folder, place / "study", "--out", out)
    assert done.returncode == 11
    assert str(out) in done.said
    assert "cannot be written" in done.said


def test_a_study_without_the_condition_of_the_model_says_what_it_has(
    bench: Bench, training: Training, study: Study, tmp_path: Path
) -> None:
    courses = study.courses.assign(condition="gad")
    write_study(Study.of(study.definition, {**study.tables, "courses": courses}), tmp_path / "gad")
    done = bench.run("predict", training.trained[0].folder, tmp_path / "gad")
    assert done.returncode == 11
    assert "no course to predict for (courses in the study: 250;" in done.said
