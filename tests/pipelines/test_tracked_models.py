"""What a training leaves in MLflow and in bundle folders, and who may change it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest

from kappredict.domain.prediction import Prediction
from kappredict.errors import BundleError
from kappredict.estimators.bundle import digest, load_bundle
from kappredict.explanation.study_answers import answer_study
from kappredict.tracking.store import Store
from pipelines.train import Trained, Training

PICKLES = {bytes([0x80, protocol]) for protocol in range(2, 6)}


@pytest.fixture
def client(training: Training, place: Path) -> mlflow.MlflowClient:
    assert training.trained
    return mlflow.MlflowClient(Store.at(str(place / "mlflow")).uri)


def by_outcome(training: Training, outcome: str) -> Trained:
    return next(one for one in training.trained if one.bundle.recipe.outcome == outcome)


def test_runs_are_nested_by_condition_and_task(
    training: Training, client: mlflow.MlflowClient
) -> None:
    for one in training.trained:
        of_task = client.get_run(one.registered.run_id)
        of_condition = client.get_run(of_task.data.tags["mlflow.parentRunId"])
        of_training = client.get_run(of_condition.data.tags["mlflow.parentRunId"])
        names = [run.info.run_name for run in (of_task, of_condition, of_training)]
        assert names == [
            one.bundle.task.name,
            "depression",
            f"train {training.study.definition.id}",
        ]


def test_every_run_says_which_data_and_that_they_are_synthetic(
    training: Training, client: mlflow.MlflowClient
) -> None:
    (experiment,) = [one for one in client.search_experiments() if one.name == "kappredict"]
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == len(training.trained) + 2
    assert {run.data.tags["data_digest"] for run in runs} == {training.study.digest}
    assert {run.data.tags["synthetic"] for run in runs} == {"True"}


def test_the_run_holds_report_and_figures(training: Training, client: mlflow.MlflowClient) -> None:
    for one in training.trained:
        run_id = one.registered.run_id
        report = json.loads(mlflow.artifacts.load_text(artifact_uri(client, run_id)))
        assert report == json.loads(json.dumps(one.report.to_json()))
        figures = {Path(file.path).stem for file in client.list_artifacts(run_id, "figures")}
        assert set(one.findings.figures) <= figures


def artifact_uri(client: mlflow.MlflowClient, run_id: str) -> str:
    return f"{client.get_run(run_id).info.artifact_uri}/evaluation.json"


def test_the_run_tells_how_the_model_was_made(
    training: Training, client: mlflow.MlflowClient
) -> None:
    one = by_outcome(training, "response")
    data = client.get_run(one.registered.run_id).data
    assert data.tags["bundle_sha256"] == digest(one.folder)
    assert data.params["candidate.model"] == "boosted_trees"
    assert data.params["settings.seed"] == "3"
    assert data.params["code"]


def test_each_figure_has_its_interval(training: Training, client: mlflow.MlflowClient) -> None:
    metrics = client.get_run(by_outcome(training, "relapse").registered.run_id).data.metrics
    for name in ("random_cv.c_index", "random_cv.horizons.90.brier"):
        assert metrics[f"{name}.low"] <= metrics[name] <= metrics[f"{name}.high"]


def test_the_signature_names_every_feature_and_what_is_answered(
    training: Training, client: mlflow.MlflowClient
) -> None:
    for one in training.trained:
        mlflow.set_tracking_uri(client.tracking_uri)
        name = one.bundle.task.name.replace("/", ".")
        signature = mlflow.models.get_model_info(f"models:/{name}@challenger").signature
        assert signature.inputs.input_names() == [spec.name for spec in one.bundle.recipe.specs]
        days = [f"well_on_day_{day:g}" for day in one.bundle.horizons]
        assert signature.outputs.input_names() == (days or ["probability"])


def test_a_registered_relapse_model_gives_the_survival_of_its_bundle(
    training: Training, client: mlflow.MlflowClient
) -> None:
    one = by_outcome(training, "relapse")
    mlflow.set_tracking_uri(client.tracking_uri)
    served = mlflow.pyfunc.load_model("models:/depression.relapse.baseline@challenger")
    np.testing.assert_allclose(
        served.predict(one.data.features.frame).to_numpy(),
        one.bundle.probabilities(one.data.features),
    )


def test_no_file_of_store_or_bundles_begins_as_a_pickle_does(
    training: Training, place: Path
) -> None:
    assert training.trained
    files = [path for path in place.rglob("*") if path.is_file()]
    starts = {path: path.read_bytes()[:2] for path in files}
    assert not [path for path, start in starts.items() if start in PICKLES]


def test_the_model_in_the_store_is_made_from_code(training: Training, place: Path) -> None:
    descriptions = [path.read_text() for path in (place / "mlflow").rglob("MLmodel")]
    assert len(descriptions) == len(training.trained)
    assert all("model_code_path" in text for text in descriptions)
    assert not [text for text in descriptions if "python_model:" in text]


def test_a_bundle_with_a_file_missing_is_refused_by_its_name(
    training: Training, tmp_path: Path
) -> None:
    training.trained[0].bundle.save(tmp_path / "bundle")
    (tmp_path / "bundle" / "trees.ubj").unlink()
    with pytest.raises(BundleError, match=r"missing or added: trees\.ubj"):
        load_bundle(tmp_path / "bundle")


def test_a_bundle_with_a_file_added_is_refused_by_its_name(
    training: Training, tmp_path: Path
) -> None:
    training.trained[0].bundle.save(tmp_path / "bundle")
    (tmp_path / "bundle" / "extra.py").write_text("")
    with pytest.raises(BundleError, match=r"missing or added: extra\.py"):
        load_bundle(tmp_path / "bundle")


def test_a_changed_model_is_refused_by_its_name(training: Training, tmp_path: Path) -> None:
    training.trained[0].bundle.save(tmp_path / "bundle")
    model = tmp_path / "bundle" / "trees.ubj"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(BundleError, match=r"trees\.ubj was changed"):
        load_bundle(tmp_path / "bundle")


def test_exporting_a_registered_model_writes_the_bundle_that_was_trained(
    training: Training, place: Path, tmp_path: Path, run: Callable[..., Any]
) -> None:
    one = training.trained[0]
    name = f"{one.bundle.task.name}@challenger"
    done = run("export", name, tmp_path / "models", "--store", place / "mlflow")
    assert done.returncode == 0, done.stderr
    assert digest(tmp_path / "models" / one.bundle.task.name) == digest(one.folder)


def test_survival_of_an_answer_never_rises_with_the_day(training: Training) -> None:
    answers = answer_study(by_outcome(training, "relapse").bundle, training.study)
    curves = [list(one.survival.values()) for one in answers if isinstance(one, Prediction)]
    assert curves
    assert (np.diff(curves, axis=1) <= 0).all()
