"""Runs and registered models in an MLflow store (SQLite by default, any MLflow address by URL)."""

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import plotly.graph_objects as go
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.models.model import ModelInfo
from mlflow.types import ColSpec, Schema

from kappredict.errors import UsageError
from kappredict.estimators.bundle import ModelBundle, digest
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.report import EvaluationReport

EXPERIMENT = "kappredict"
CHAMPION, CHALLENGER = "champion", "challenger"
ARTIFACTS = "KAPPREDICT_ARTIFACTS"
"""Names the folder, or the address, of the files of a store whose database is elsewhere."""
_DIGEST, _FINDINGS = "bundle_sha256", "findings"
_CODE = Path(__file__).with_name("served_model.py")


@dataclass(frozen=True)
class Registered:
    """Where a model went: its registered name, version and run."""

    name: str
    version: int
    run_id: str


@dataclass(frozen=True)
class Store:
    """An MLflow store: `uri` of runs and registry, `artifacts` for files."""

    uri: str

    @classmethod
    def at(cls, place: str) -> "Store":
        """Open the store at a URL, or the SQLite file `mlflow.db` of a folder."""
        if "://" in place:
            return cls(place)
        folder = Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        return cls(f"sqlite:///{(folder / 'mlflow.db').resolve()}")

    @contextmanager
    def run(
        self, name: str, tags: Mapping[str, str], *, resume: str | None = None
    ) -> Iterator[str]:
        """Open a run, nested in the one that is open, or go on with another; gives its id."""
        with quiet():
            mlflow.set_tracking_uri(self.uri)
            nested = mlflow.active_run() is not None
            if not nested:
                self._choose_experiment()
            named: dict[str, Any] = {"run_id": resume} if resume else {"run_name": name}
            with mlflow.start_run(**named, nested=nested, tags=dict(tags)) as run:
                yield run.info.run_id

    def find_run(self, tags: Mapping[str, str]) -> tuple[str, bool] | None:
        """Give the id of the latest run with these tags, and whether it came to its end."""
        with quiet():
            mlflow.set_tracking_uri(self.uri)
            runs = mlflow.search_runs(
                search_all_experiments=True,
                filter_string=" and ".join(f"tags.{key} = '{one}'" for key, one in tags.items()),
                output_format="list",
                max_results=1,
            )
        return (runs[0].info.run_id, runs[0].info.status == "FINISHED") if runs else None

    def read_json(self, run_id: str, name: str) -> dict[str, Any]:
        """Read a JSON artefact of a run."""
        with quiet():
            mlflow.set_tracking_uri(self.uri)
            content: dict[str, Any] = mlflow.artifacts.load_dict(f"runs:/{run_id}/{name}")
        return content

    def log_texts(self, texts: Mapping[str, str]) -> None:
        """Log texts by file name into the open run."""
        for name, text in texts.items():
            mlflow.log_text(text, name)

    def log_model(
        self,
        bundle: ModelBundle,
        folder: Path,
        report: EvaluationReport,
        findings: Path,
        figures: Mapping[str, go.Figure],
    ) -> Registered:
        """Log a bundle with findings and figures into the open run; register it as challenger."""
        recipe = bundle.recipe
        mlflow.log_params(_flat(recipe.provenance.model_dump(mode="json")))
        mlflow.set_tags({_DIGEST: digest(folder), "synthetic": str(recipe.study.synthetic)})
        mlflow.log_metrics(_numbers(report))
        mlflow.log_dict(report.to_json(), "evaluation.json")
        mlflow.log_artifacts(str(findings), _FINDINGS)
        _log_figures(figures)
        with quiet():
            model = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(_CODE),
                artifacts={"bundle": str(folder)},
                signature=_signature(bundle),
                pip_requirements=["kappredict"],
            )
            name = registered_name(bundle.task.name)
            version = self._register(name, model)
        return Registered(name, version, model.run_id)

    @staticmethod
    def log(
        params: Mapping[str, Any],
        estimates: Mapping[str, Any],
        texts: Mapping[str, str],
        figures: Mapping[str, go.Figure],
    ) -> None:
        """Log settings, estimates, files by name, and figures into the open run."""
        mlflow.log_params(_flat(params))
        mlflow.log_metrics(_estimates("", estimates))
        for name, text in texts.items():
            mlflow.log_text(text, name)
        _log_figures(figures)

    def bundle_folder(self, name: str) -> Path:
        """Fetch a registered bundle by a name such as `condition/outcome/landmark@champion`.

        Raises
        ------
        UsageError
            If the store has no such model or alias.
        """
        task, _, alias = name.partition("@")
        address = f"models:/{registered_name(task)}@{alias or CHAMPION}"
        with quiet():
            mlflow.set_tracking_uri(self.uri)
            try:
                folder = Path(mlflow.artifacts.download_artifacts(address))
            except MlflowException as error:
                known = [
                    f"{one.name.replace('.', '/')}@{each}"
                    for one in mlflow.search_registered_models()
                    for each in sorted(one.aliases)
                ]
                raise UsageError(
                    f"no model '{name}' in {self.uri}; registered: "
                    f"{', '.join(known) or 'none'}. A challenger serves once it was promoted"
                ) from error
        return next((folder / "artifacts").iterdir())

    def bundle_of_version(self, one: Registered) -> Path:
        """Fetch the bundle of a registered version."""
        with quiet():
            mlflow.set_tracking_uri(self.uri)
            folder = mlflow.artifacts.download_artifacts(f"models:/{one.name}/{one.version}")
        return next((Path(folder) / "artifacts").iterdir())

    def findings(self, bundle: Path) -> Path:
        """Fetch what the training of a bundle found, by the bundle's digest.

        Raises
        ------
        UsageError
            If no run of this store made that bundle.
        """
        with quiet():
            mlflow.set_tracking_uri(self.uri)
            runs = mlflow.search_runs(
                search_all_experiments=True,
                filter_string=f"tags.{_DIGEST} = '{digest(bundle)}'",
                output_format="list",
                max_results=1,
            )
            if not runs:
                raise UsageError(
                    f"no run in {self.uri} trained {bundle}: name the store that did by --store, "
                    f"or train it again"
                )
            run = runs[0].info.run_id
            return Path(mlflow.artifacts.download_artifacts(run_id=run, artifact_path=_FINDINGS))

    @staticmethod
    def _register(name: str, model: ModelInfo) -> int:
        """Add a version of a registered model and make it the challenger."""
        client = mlflow.MlflowClient()
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name)
        version = client.create_model_version(
            name, model.model_uri, run_id=model.run_id, model_id=model.model_id
        )
        client.set_registered_model_alias(name, CHALLENGER, version.version)
        return int(version.version)

    def _choose_experiment(self) -> None:
        """Make the experiment where there is none; where its files go is settled then, for good."""
        if mlflow.get_experiment_by_name(EXPERIMENT) is None:
            artifacts = os.environ.get(ARTIFACTS)
            if artifacts is None and self.uri.startswith("sqlite:///"):
                database = Path(self.uri.removeprefix("sqlite:///"))
                artifacts = (database.parent / "artifacts").as_uri()
            mlflow.create_experiment(EXPERIMENT, artifact_location=artifacts)
        mlflow.set_experiment(EXPERIMENT)


def registered_name(task: str) -> str:
    """Give the name in MLflow's registry, which takes no slash."""
    return task.replace("/", ".")


def _log_figures(figures: Mapping[str, go.Figure]) -> None:
    for name, figure in figures.items():
        mlflow.log_text(figure.to_html(include_plotlyjs="directory"), f"figures/{name}.html")


def _signature(bundle: ModelBundle) -> ModelSignature:
    kinds = {"category": "string", "numeric": "double", "flag": "double"}
    inputs = [ColSpec(kinds[spec.kind], spec.name, required=False) for spec in bundle.recipe.specs]
    days = [f"well_on_day_{day:g}" for day in bundle.horizons] or ["probability"]
    return ModelSignature(Schema(inputs), Schema([ColSpec("double", day) for day in days]))


def _numbers(report: EvaluationReport) -> dict[str, float]:
    """Give every figure and its interval as one flat number each."""
    flat: dict[str, float] = {"n": float(report.n), "events": float(report.events)}
    for scheme, result in report.schemes.items():
        flat |= _estimates(scheme, result.metrics)
        for baseline, metrics in result.baselines.items():
            flat |= _estimates(f"{scheme}.{baseline}", metrics)
    return flat


def _estimates(prefix: str, metrics: Mapping[Any, Any]) -> dict[str, float]:
    flat: dict[str, float] = {}
    for name, value in metrics.items():
        full = f"{prefix}.{name}".removeprefix(".")
        if isinstance(value, Estimate):
            flat[full] = value.value
            flat[f"{full}.low"] = value.low
            flat[f"{full}.high"] = value.high
        elif isinstance(value, Mapping):
            flat |= _estimates(full, value)
    return {name: number for name, number in flat.items() if number == number}  # noqa: PLR0124  # MLflow takes no NaN


def _flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


@contextmanager
def quiet() -> Iterator[None]:
    """Keep MLflow's narration (migrations, hints, its own progress bars) off the terminal."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
