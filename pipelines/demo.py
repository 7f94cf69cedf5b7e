"""Demo: the main job on simulated patients, for all conditions, with lighter validation."""

from pathlib import Path

from rich.markup import escape

from kappredict.data.study import Study
from kappredict.evaluation.settings import TrainingSettings, read_settings
from kappredict.explanation.study_answers import answer_study
from kappredict.tracking.store import Store
from pipelines.console import messages, results
from pipelines.promote import decide
from pipelines.report import report_training
from pipelines.show import show_training
from pipelines.simulate import simulate
from pipelines.summary import verdict_words
from pipelines.tables import prediction_lines
from pipelines.train import Trained, Training, train

SETTINGS = "light"


def demo(out: Path, *, patients: int, seed: int) -> None:
    """Simulate, train, promote, predict one patient, report, and say where all of it lies."""
    messages.print(f"Simulating {patients:,} patients (synthetic data) …")
    simulate(out / "study", patients=patients, seed=seed)
    settings = read_settings(SETTINGS)
    schemes = settings.schemes.model_dump(exclude_none=True)
    messages.print(
        f"Training with the `{SETTINGS}` settings, lighter than `default`: {schemes}, "
        f"{settings.inner_folds} inner folds, {settings.resamples} bootstrap resamples."
    )
    store = Store.at(str(out / "mlflow"))
    training = train(["all"], out / "study", settings, out / "models", store)
    report_training(training, out / "report.html")
    show_training(training)
    _promote(training, settings, store)
    _show_one_patient(training)
    results.print(f"\nReport:       {out / 'report.html'}")
    results.print(f"MLflow store: {store.uri}   (mlflow ui --backend-store-uri {store.uri})")
    results.print(f"Bundles:      {out / 'models'}   (condition/outcome/landmark)")
    results.print(f"Study:        {out / 'study'}   (its true probabilities: truth.parquet)")


def _promote(training: Training, settings: TrainingSettings, store: Store) -> None:
    """Let every model that passes the gate serve, and say how many do not, and why."""
    results.print("\nThe gate, before a model may serve (kappredict promote):")
    for one in training.trained:
        verdict = decide(one.report.task, one.registered, training.study, settings, store)
        why = "".join(f"; {reason}" for reason in verdict["objections"][:1])
        results.print(
            f"  {one.report.task}: {verdict_words(verdict)}{escape(why)}", highlight=False
        )


def _show_one_patient(training: Training) -> None:
    """Answer all models of one patient's condition, from that patient's rows alone."""
    first = max(training.trained, key=lambda one: one.report.n)
    course = first.data.courses.iloc[0]
    alone = only_patient(training.study, str(course["patient_id"]))
    results.print("\nOne patient (synthetic): associations in past patients, not advice")
    for one in _same_condition(training.trained, first):
        for answered in answer_study(one.bundle, alone):
            for line in prediction_lines(answered):
                results.print(line, highlight=False)


def _same_condition(trained: list[Trained], first: Trained) -> list[Trained]:
    condition, landmark = first.bundle.task.condition.id, first.bundle.task.landmark
    return [
        one
        for one in trained
        if one.bundle.task.condition.id == condition and one.bundle.task.landmark == landmark
    ]


def only_patient(study: Study, patient_id: str) -> Study:
    """Give the study of one patient."""
    courses = study.courses[study.courses["patient_id"] == patient_id]
    tables = {
        name: rows[rows["patient_id"] == patient_id]
        if "patient_id" in rows.columns
        else rows[rows["course_id"].isin(courses["course_id"])]
        for name, rows in study.tables.items()
    }
    return Study.of(study.definition, tables)
