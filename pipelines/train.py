"""Train: a study's tables to tracked, registered bundles, one per task."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from joblib import Parallel, delayed

from kappredict.config.catalogue import Catalogue, load_catalogue
from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.data.validation import load_study
from kappredict.estimators.bundle import ModelBundle, digest
from kappredict.evaluation.cross_validation import Predictions, cross_validate
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.rates import PairedDifference, Rate, paired_differences, rates
from kappredict.evaluation.report import EvaluationReport, evaluate
from kappredict.evaluation.schemes import Plan, plan_schemes
from kappredict.evaluation.settings import TrainingSettings
from kappredict.evaluation.task_sets import TooSmall, task_sets
from kappredict.evaluation.training import train_bundle
from kappredict.explanation.model_level import ModelExplanation, explain_model
from kappredict.reporting.collect import Judged, collect
from kappredict.reporting.findings import Findings
from kappredict.tracking.store import Registered, Store
from pipelines.console import progress


@dataclass(frozen=True)
class Trained:
    """One task's bundle, how it did, and where it went."""

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
class _Run:
    """What all tasks of a run share."""

    study: Study
    catalogue: Catalogue
    settings: TrainingSettings
    out: Path
    store: Store

    @property
    def tags(self) -> dict[str, str]:
        """What every MLflow run of this training is tagged with."""
        return {
            "study": self.study.definition.id,
            "data_digest": self.study.digest,
            "synthetic": str(self.study.definition.synthetic),
        }


def train(
    conditions: Sequence[str],
    folder: Path,
    settings: TrainingSettings,
    out: Path,
    store: Store,
    *,
    own_configs: Path | None = None,
) -> Training:
    """Train all tasks of some conditions (or of `all` that the study has) on a study folder."""
    catalogue = load_catalogue(own_configs)
    study = load_study(folder, catalogue)
    catalogue = catalogue.for_study(study.definition)
    study = with_totals(study, catalogue.instruments)
    run = _Run(study, catalogue, settings, out, store)
    usable, too_small = task_sets(study, catalogue, conditions, settings)
    planned = [plan_schemes(one, settings) for one in usable]
    with progress("cross-validating") as advance:
        predictions = cross_validate(usable, [plan.folds for plan in planned], settings, advance)
    trained: list[Trained] = []
    fitted = _fit_all(run, usable, planned, predictions)
    with store.run(f"train {study.definition.id}", run.tags):
        for condition, tasks in groupby(fitted, key=lambda one: one.data.task.condition.id):
            with store.run(condition, run.tags | {"condition": condition}):
                trained += [_keep(run, one) for one in tasks]
    return Training(study, trained, [_refused(one) for one in too_small])


def _refused(too_small: TooSmall) -> Refused:
    data, error = too_small
    return Refused(data.task.name, str(error), rates(data), paired_differences(data))


@dataclass(frozen=True)
class _Fitted:
    """A task that was judged, fitted on all rows and explained."""

    data: ModellingSet
    predictions: Predictions
    report: EvaluationReport
    bundle: ModelBundle
    explained: ModelExplanation


def _fit_all(
    run: _Run,
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


def _fit(run: _Run, data: ModellingSet, plan: Plan, predicted: Predictions) -> _Fitted:
    report = evaluate(data, predicted, plan.not_run, run.settings)
    bundle = train_bundle(data, report, run.study, run.catalogue, run.settings)
    return _Fitted(data, predicted, report, bundle, explain_model(bundle, data, run.settings))


def _keep(run: _Run, one: _Fitted) -> Trained:
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
