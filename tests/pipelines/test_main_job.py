"""The main job end to end, on real parts: simulate, train, register, load, predict, explain."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
import shap

from kappredict.cohort.courses import find_cohort
from kappredict.config.catalogue import Catalogue, load_catalogue
from kappredict.data.history import History
from kappredict.data.importing import import_study
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.data.validation import check
from kappredict.data.writers import write_study
from kappredict.domain.prediction import Prediction
from kappredict.domain.task import PredictionTask
from kappredict.errors import BundleError
from kappredict.estimators.bundle import load_bundle
from kappredict.estimators.margins import TreeMargin
from kappredict.evaluation.modelling_set import build_modelling_set
from kappredict.evaluation.settings import TrainingSettings
from kappredict.explanation.groups import explain
from kappredict.explanation.study_answers import answer_study
from kappredict.features.build import build_features
from kappredict.tracking.store import Store
from pipelines.demo import only_patient
from pipelines.show import training_json
from pipelines.train import Training, train

ROOT = Path(__file__).resolve().parents[2]


def test_every_task_is_trained_or_refused(training: Training) -> None:
    names = {one.report.task for one in training.trained} | {one.task for one in training.refused}
    assert names == {"depression/response/baseline", "depression/relapse/baseline"}


def test_a_model_is_registered_as_challenger_under_nested_runs(
    training: Training, place: Path
) -> None:
    first = training.trained[0]
    client = mlflow.MlflowClient(Store.at(str(place / "mlflow")).uri)
    version = client.get_model_version_by_alias("depression.response.baseline", "challenger")
    run_of_task = client.get_run(first.registered.run_id)
    run_of_condition = client.get_run(run_of_task.data.tags["mlflow.parentRunId"])
    assert version.run_id == first.registered.run_id
    assert run_of_condition.data.tags["condition"] == "depression"
    assert "mlflow.parentRunId" in run_of_condition.data.tags
    assert run_of_task.data.tags["data_digest"] == training.study.digest
    assert {"random_cv.auc", "random_cv.auc.low", "random_cv.labels.auc"} <= set(
        run_of_task.data.metrics
    )


def test_nothing_in_the_store_or_the_bundles_is_a_pickle(training: Training, place: Path) -> None:
    assert training.trained
    assert not [path for path in place.rglob("*") if path.suffix in {".pkl", ".pickle", ".joblib"}]


def test_the_registered_model_answers_as_its_bundle(training: Training, place: Path) -> None:
    one = training.trained[0]
    mlflow.set_tracking_uri(Store.at(str(place / "mlflow")).uri)
    served = mlflow.pyfunc.load_model("models:/depression.response.baseline@challenger")
    features = one.data.features
    np.testing.assert_allclose(
        served.predict(features.frame)["probability"], one.bundle.probabilities(features)[:, 0]
    )


def test_a_loaded_bundle_answers_as_the_one_saved(training: Training) -> None:
    for one in training.trained:
        features = one.data.features
        np.testing.assert_array_equal(
            load_bundle(one.folder).probabilities(features), one.bundle.probabilities(features)
        )


def test_a_changed_bundle_is_refused_by_the_name_of_the_file(
    training: Training, tmp_path: Path
) -> None:
    training.trained[0].bundle.save(tmp_path / "bundle")
    recipe = tmp_path / "bundle" / "bundle.json"
    recipe.write_text(recipe.read_text().replace('"slope"', '"slope" '))
    with pytest.raises(BundleError, match=r"bundle\.json was changed"):
        load_bundle(tmp_path / "bundle")


def test_one_patient_alone_gets_the_answer_of_the_batch(training: Training) -> None:
    bundle = training.trained[0].bundle
    batch = {one.course_id: one for one in answer_study(bundle, training.study)}
    for patient_id in training.study.patients["patient_id"].head(15):
        for alone in answer_study(bundle, only_patient(training.study, patient_id)):
            assert alone == batch[alone.course_id]


def test_a_json_record_gets_the_answer_of_the_table(
    training: Training, tmp_path: Path, run: Callable[..., Any]
) -> None:
    bundle, study = training.trained[0].bundle, training.study
    patient = only_patient(study, study.patients["patient_id"].iloc[0])
    record = {
        "patient": _known(patient.patients.drop(columns="enrolled_on"))[0],
        "course": _known(patient.courses)[0],
        "assessments": _known(patient.assessments.drop(columns="patient_id")),
        "history": _known(patient.history.drop(columns="patient_id")),
    }
    (tmp_path / "patient.json").write_text(json.dumps(record, default=str))
    out = tmp_path / "answers.json"
    done = run(
        "predict",
        str(training.trained[0].folder),
        str(tmp_path / "patient.json"),
        "--out",
        str(out),
    )
    assert done.returncode == 0, done.stderr
    (table,) = answer_study(bundle, patient)
    assert isinstance(table, Prediction)
    found = json.loads(out.read_text())[0]["probability"]
    assert found == pytest.approx(table.probability)


def _known(rows: pd.DataFrame) -> list[dict[str, object]]:
    return [
        {key: value for key, value in row.items() if pd.notna(value) and value != ""}
        for row in rows.to_dict("records")
    ]


def test_points_by_clinical_idea_add_up_to_the_probability(training: Training) -> None:
    for one in training.trained:
        asked = one.bundle.ask(one.data.features)
        explained = explain(one.bundle, asked)
        total = explained.start + explained.points.sum(axis=1) / 100
        np.testing.assert_allclose(total, asked.probabilities, atol=1e-8)
        assert "PHQ-9" in explained.groups  # items and aggregates are one row
        assert not [name for name in explained.groups if "item" in name]


def test_shap_itself_gives_the_same_contributions(training: Training) -> None:
    one = training.trained[0]
    assert isinstance(one.bundle.margin, TreeMargin)
    matrix = one.bundle.encoder.transform(one.data.features)[:30]
    expected = shap.TreeExplainer(one.bundle.margin.booster).shap_values(matrix)
    np.testing.assert_allclose(one.bundle.margin.contributions(matrix)[:, :-1], expected, atol=1e-4)


def test_the_json_has_the_shape_of_the_contract(training: Training) -> None:
    content = json.loads(json.dumps(training_json(training)))
    model = content["models"][0]
    assert {"condition", "outcome", "landmark", "n", "events", "estimator"} <= set(model)
    assert set(model["schemes"]["random_cv"]["auc"]) == {"value", "low", "high"}
    assert set(model["baselines"]["random_cv"]) == {"base_rate", "labels"}
    assert isinstance(model["warnings"], list)


def test_training_again_gives_the_same_figures(
    training: Training, place: Path, settings: TrainingSettings
) -> None:
    store = Store.at(str(place / "again"))
    again = train(["all"], place / "study", settings, place / "models2", store)
    assert training_json(again) == training_json(training)


def test_too_few_events_are_refused_with_exit_code_12(
    tmp_path: Path, run: Callable[..., Any]
) -> None:
    few = simulate(load_parameters(), patients=30, seed=1, conditions=("depression",))
    write_study(few.study, tmp_path / "study")
    done = run(
        *("train", "all", "--study", str(tmp_path / "study"), "--training", "light"),
        *("--models", str(tmp_path / "m"), "--store", str(tmp_path / "s")),
    )
    assert done.returncode == 12
    assert "not modelled" in done.stdout
    assert "all courses:" in done.stdout
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (("train", "depresion", "--study", "STUDY"), 10, "did you mean 'depression'?"),
        (("train", "all", "--study", "nowhere"), 11, "no such folder"),
        (("predict", "a/b/c", "STUDY", "--store", "STORE"), 2, "no model 'a/b/c'"),
        (("predict", "BUNDLE", "STUDY", "--out", "answers.docx"), 2, "the ending says the format"),
        (("predict", "BUNDLE", "nothing.json"), 11, "cannot be read"),
    ],
)
def test_a_mistake_is_one_message_and_an_exit_code(
    training: Training,
    place: Path,
    run: Callable[..., Any],
    words: tuple[str, ...],
    code: int,
    named: str,
) -> None:
    known = {
        "STUDY": str(place / "study"),
        "STORE": str(place / "mlflow"),
        "BUNDLE": str(training.trained[0].folder),
    }
    done = run(*(known.get(word, word) for word in words))
    assert done.returncode == code
    assert named in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_course_without_a_baseline_score_leaves_with_a_reason(training: Training) -> None:
    steps = dict(training.trained[0].data.attrition.steps)
    assert "with a baseline score on an accepted scale" in steps


@pytest.mark.real
def test_six_responders_are_not_modelled_but_counted(
    real_data: Path, tmp_path: Path, settings: TrainingSettings
) -> None:
    catalogue = load_catalogue()
    folder = ROOT / "configs" / "studies" / "nimh_ketamine"
    write_study(
        check(import_study(folder, real_data / "nimh_ketamine", catalogue), catalogue).study,
        tmp_path / "s",
    )
    done = train(["all"], tmp_path / "s", settings, tmp_path / "m", Store.at(str(tmp_path / "t")))
    assert not done.trained
    response = next(one for one in done.refused if one.task == "depression/response/baseline")
    assert [(rate.label, rate.events, rate.n) for rate in response.rates][1:] == [
        ("ketamine", 6, 27),
        ("placebo", 0, 26),
    ]
    assert response.paired[0].points.high < 0


@pytest.mark.real
def test_a_study_that_is_refused_registers_nothing(
    real_data: Path, tmp_path: Path, run: Callable[..., Any]
) -> None:
    folder = ROOT / "configs" / "studies" / "nimh_ketamine"
    imported = run("import", folder, real_data / "nimh_ketamine", tmp_path / "study")
    assert imported.returncode == 0, imported.stderr
    done = run(
        *("train", "depression", "--study", tmp_path / "study", "--training", "light"),
        *("--models", tmp_path / "models", "--store", tmp_path / "store"),
    )
    assert done.returncode == 12
    assert "ketamine: 6 of 27, 0.22 (0.11 to 0.41)" in done.stdout
    assert "ketamine minus placebo, within" in done.stdout
    assert not (tmp_path / "models").exists()
    client = mlflow.MlflowClient(Store.at(str(tmp_path / "store")).uri)
    assert not client.search_registered_models()


@pytest.fixture(scope="module")
def opioid_trials(real_data: Path) -> tuple[Study, Catalogue]:
    catalogue = load_catalogue()
    folder = ROOT / "configs" / "studies" / "ctn0094"
    checked = check(import_study(folder, real_data / "ctn0094", catalogue), catalogue)
    assert not checked.problems
    catalogue = catalogue.for_study(checked.study.definition)
    return with_totals(checked.study, catalogue.instruments), catalogue


@pytest.mark.real
def test_of_1922_courses_of_the_opioid_trials_1365_relapse(
    opioid_trials: tuple[Study, Catalogue],
) -> None:
    study, catalogue = opioid_trials
    task = PredictionTask(catalogue.condition("oud"), "relapse", "baseline")
    target = build_modelling_set(study, catalogue, task).target
    assert (len(target), target.events) == (1922, 1365)


@pytest.mark.real
def test_nothing_of_the_opioid_trials_is_known_at_or_after_the_landmark(
    opioid_trials: tuple[Study, Catalogue],
) -> None:
    study, catalogue = opioid_trials
    task = PredictionTask(catalogue.condition("oud"), "relapse", "early")
    data = build_modelling_set(study, catalogue, task)
    history = History.cut(study, find_cohort(study, task).courses)
    assert (history.assessments.numbers["known_day"] < 0).all()
    assert len(build_features(history, data.features.specs).frame) == len(data.target) == 1922
