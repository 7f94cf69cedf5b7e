"""Train: a study's tables to tracked, registered bundles, one per task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from joblib import Parallel, delayed

from kappredict.config.catalogue import Catalogue, load_catalogue
from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.data.validation import load_study
from kappredict.estimators.bundle import ModelBundle, digest
from kappredict.evaluation.cross_validation import Predictions, cross_validate, described
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.rates import PairedDifference, Rate, paired_differences, rates
from kappredict.evaluation.report import EvaluationReport, evaluate
from kappredict.evaluation.schemes import Plan, plan_schemes
from kappredict.evaluation.settings import TrainingSettings
from kappredict.evaluation.sources import open_source
from kappredict.evaluation.task_sets import TooSmall, chosen_tasks, large_enough, task_sets
from kappredict.evaluation.training import train_bundle
from kappredict.explanation.model_level import ModelExplanation, explain_model
from kappredict.reporting.collect import Judged, collect
from kappredict.reporting.findings import Findings
from kappredict.scaling.cluster import HERE, Place
from kappredict.tracking.store import Registered, Store
from pipelines.console import progress


@dataclass(frozen=True)
class Trained:
    """One task's bundle, how it did, and where it went; `data` are the courses described."""

    bundle: ModelBundle
    folder: Path
    report: EvaluationReport
    data: ModellingSet
    findings: Findings
    registered: Registered


@dataclass(frozen=True)
class Refused:
    """One task that was not modelled, why, and what can be said all the same."""

    task: str
    reason: str
    rates: list[Rate]
    paired: list[PairedDifference]


@dataclass(frozen=True)
class Training:
    """What a run of training gave."""

    study: Study
    trained: list[Trained]
    refused: list[Refused]


@dataclass(frozen=True)
class Run:
    """What all tasks of a run share; `marks` are tags of its own for its MLflow runs."""

    study: Study
    catalogue: Catalogue
    settings: TrainingSettings
    out: Path
    store: Store
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def tags(self) -> dict[str, str]:
        """What every MLflow run of this training is tagged with."""
        return {
            "study": self.study.definition.id,
            "data_digest": self.study.digest,
            "synthetic": str(self.study.definition.synthetic),
            **self.marks,
        }

    def into(self, out: Path) -> "Run":
        """Give the same run with its bundles in another folder."""
        return replace(self, out=out)


def train(  # noqa: PLR0913  # the command's options
    conditions: Sequence[str],
    folder: Path,
    settings: TrainingSettings,
    out: Path,
    store: Store,
    *,
    own_configs: Path | None = None,
    place: Place = HERE,
) -> Training:
    """Train all tasks of some conditions (or of `all` that the study has) on a study folder."""
    source = open_source(folder, load_catalogue(own_configs), place.work)
    run = Run(source.study, source.catalogue, settings.grown_by(place.grow), out, store)
    tasks = chosen_tasks(run.study, run.catalogue, conditions, settings)
    trained: list[Trained] = []
    refused: list[Refused] = []
    with store.run(f"train {run.study.definition.id}", run.tags):
        for sets in source.batches(tasks):
            usable, too_small = large_enough(sets, settings)
            refused += [_refused(one) for one in too_small]
            trained += train_sets(run, usable)
    return Training(run.study, trained, refused)


def read_study(folder: Path, own_configs: Path | None) -> tuple[Study, Catalogue]:
    """Read a study folder, with its totals, and the catalogue that it replaces parts of."""
    catalogue = load_catalogue(own_configs)
    study = load_study(folder, catalogue)
    catalogue = catalogue.for_study(study.definition)
    return with_totals(study, catalogue.instruments), catalogue


def train_sets(run: Run, usable: Sequence[ModellingSet]) -> list[Trained]:
    """Train some tasks and register each as the challenger, under the MLflow run that is open."""
    planned = [plan_schemes(one, run.settings) for one in usable]
    with progress("cross-validating") as advance:
        folds = [plan.folds for plan in planned]
        predictions = cross_validate(list(usable), folds, run.settings, advance)
    fitted = _fit_all(run, usable, planned, predictions)
    trained: list[Trained] = []
    for condition, tasks in groupby(fitted, key=lambda one: one.data.task.condition.id):
        with run.store.run(condition, run.tags | {"condition": condition}):
            trained += [_keep(run, one) for one in tasks]
    return trained


def modelling_sets(
    conditions: Sequence[str], study: Study, catalogue: Catalogue, settings: TrainingSettings
) -> tuple[list[ModellingSet], list[Refused]]:
    """Build every task's modelling set; one that is too small to model is refused with reasons."""
    usable, too_small = task_sets(study, catalogue, conditions, settings)
    return usable, [_refused(one) for one in too_small]


def _refused(too_small: TooSmall) -> Refused:
    data, error = too_small
    return Refused(data.task.name, str(error), rates(data), paired_differences(data))


@dataclass(frozen=True)
class _Fitted:
    """A task that was judged, fitted on all rows and explained; `data` are those described."""

    data: ModellingSet
    predictions: Predictions
    report: EvaluationReport
    bundle: ModelBundle
    explained: ModelExplanation


def _fit_all(
    run: Run,
    usable: Sequence[ModellingSet],
    planned: Sequence[Plan],
    predictions: Sequence[Predictions],
) -> list[_Fitted]:
    """Judge, fit and explain the tasks side by side, each on one thread."""
    work = (delayed(_fit)(run, *one) for one in zip(usable, planned, predictions, strict=True))
    fitted: list[_Fitted] = []
    with progress("training and explaining") as advance:
        for one in Parallel(n_jobs=-1, return_as="generator")(work):
            fitted.append(one)
            advance(len(fitted), len(usable))
    return fitted


def _fit(run: Run, data: ModellingSet, plan: Plan, predicted: Predictions) -> _Fitted:
    report = evaluate(data, predicted, plan.not_run, run.settings)
    bundle = train_bundle(data, report, run.study, run.catalogue, run.settings)
    some, theirs = described(data, predicted, run.settings.most_described)
    return _Fitted(some, theirs, report, bundle, explain_model(bundle, some, run.settings))


def _keep(run: Run, one: _Fitted) -> Trained:
    """Write the bundle and its findings, log and register them."""
    folder = run.out / one.bundle.task.name
    one.bundle.save(folder)
    judged = Judged(one.data, one.predictions, one.report, run.settings)
    findings = collect(one.bundle, digest(folder), judged, one.explained)
    with run.store.run(one.bundle.task.name, run.tags), TemporaryDirectory() as draft:
        findings.save(Path(draft))
        registered = run.store.log_model(
            one.bundle, folder, one.report, Path(draft), findings.figures
        )
    return Trained(one.bundle, folder, one.report, one.data, findings, registered)
