"""Train: a study's tables to tracked, registered bundles, one per task."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import plotly.graph_objects as go

from kappredict.config.catalogue import Catalogue, load_catalogue
from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.data.validation import load_study
from kappredict.domain.task import tasks_of
from kappredict.errors import RefusedError
from kappredict.estimators.bundle import ModelBundle
from kappredict.evaluation.cross_validation import Predictions, cross_validate
from kappredict.evaluation.modelling_set import ModellingSet, build_modelling_set, with_kin
from kappredict.evaluation.plots import task_figures
from kappredict.evaluation.rates import PairedDifference, Rate, paired_differences, rates
from kappredict.evaluation.report import EvaluationReport, evaluate
from kappredict.evaluation.schemes import Plan, plan_schemes
from kappredict.evaluation.settings import TrainingSettings
from kappredict.evaluation.training import train_bundle
from kappredict.explanation.groups import importance
from kappredict.tracking.store import Registered, Store
from pipelines.console import progress


@dataclass(frozen=True)
class Trained:
    """One task's bundle, how it did, and where it went."""

    bundle: ModelBundle
    folder: Path
    report: EvaluationReport
    data: ModellingSet
    figures: dict[str, go.Figure]
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
    usable, refused = _modelling_sets(conditions, run)
    planned = [plan_schemes(one, settings) for one in usable]
    with progress("cross-validating") as advance:
        predictions = cross_validate(usable, [plan.folds for plan in planned], settings, advance)
    trained: list[Trained] = []
    with progress("training"), store.run(f"train {study.definition.id}", run.tags):
        work = zip(usable, planned, predictions, strict=True)
        for condition, tasks in groupby(work, key=lambda one: one[0].task.condition.id):
            with store.run(condition, run.tags | {"condition": condition}):
                trained += [_finish(run, data, plan, predicted) for data, plan, predicted in tasks]
    return Training(study, trained, refused)


def _modelling_sets(
    conditions: Sequence[str], run: _Run
) -> tuple[list[ModellingSet], list[Refused]]:
    """Build every task's modelling set; one that is too small to model is refused with reasons."""
    present = set(run.study.courses["condition"])
    every = [name for name in run.catalogue.conditions if name in present]
    chosen = every if "all" in conditions else [run.catalogue.condition(c).id for c in conditions]
    usable, refused = [], []
    for condition in map(run.catalogue.condition, chosen):
        for task in tasks_of(condition, run.settings.outcomes, run.settings.landmarks):
            data = build_modelling_set(run.study, run.catalogue, task)
            try:
                data.require_events(run.settings.least_events)
                usable.append(data)
            except RefusedError as error:
                refused.append(
                    Refused(task.name, str(error), rates(data), paired_differences(data))
                )
    return with_kin(usable), refused


def _finish(run: _Run, data: ModellingSet, plan: Plan, predicted: Predictions) -> Trained:
    """Judge, fit on all rows, write the bundle, log and register it."""
    report = evaluate(data, predicted, plan.not_run, run.settings)
    bundle = train_bundle(data, report, run.study, run.catalogue, run.settings)
    folder = run.out / bundle.task.name
    bundle.save(folder)
    synthetic = run.study.definition.synthetic
    matters = importance(bundle, data.features)
    figures = task_figures(data, predicted, report, matters, run.settings, synthetic=synthetic)
    with run.store.run(bundle.task.name, run.tags):
        registered = run.store.log_model(bundle, folder, report, figures)
    return Trained(bundle, folder, report, data, figures, registered)
