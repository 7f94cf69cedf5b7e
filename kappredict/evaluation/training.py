"""From evaluated modelling sets to bundles: the model fitted on all rows, with its recipe."""

import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from kappredict.config.catalogue import Catalogue
from kappredict.data.study import Study
from kappredict.estimators.bundle import (
    ModelBundle,
    Provenance,
    Recipe,
    make_bundle,
    typical_values,
)
from kappredict.estimators.fit import FittedModel, fit_model
from kappredict.estimators.limits import Limits, limits_of
from kappredict.estimators.reference import Levels, Reference, feature_levels
from kappredict.estimators.targets import YesNo
from kappredict.evaluation.cross_validation import predict
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.report import EvaluationReport
from kappredict.evaluation.settings import TrainingSettings


def train_bundle(
    data: ModellingSet,
    report: EvaluationReport,
    study: Study,
    catalogue: Catalogue,
    settings: TrainingSettings,
) -> ModelBundle:
    """Fit the task on all its rows and put everything needed to answer it into a bundle."""
    task = data.task
    model = fit_model(
        data.all_rows,
        settings.candidates(task),
        folds=settings.inner_folds,
        seed=settings.seed,
    )
    limits = limits_of(model, data.all_rows)
    scales = {scale.instrument for scale in task.condition.scales}
    used = scales | set(study.assessments["instrument"].unique())
    recipe = Recipe(
        condition=task.condition,
        outcome=task.outcome,
        landmark=task.landmark,
        study=study.definition,
        instruments={name: catalogue.instruments[name] for name in sorted(used)},
        specs=data.features.specs,
        columns=model.encoder.to_json(),
        calibration=model.calibration.to_json(),
        typical=typical_values(data.features),
        reference=_reference(data, model, limits),
        base_rate=_base_rate(data, predict(model, data.features, _horizons(data))),
        validation=report.to_json(),
        provenance=Provenance(
            version=package_version(),
            code=code_version(),
            data_digest=study.digest,
            trained_on=study.definition.id,
            settings=settings.model_dump(mode="json"),
            candidate=model.candidate.model_dump(mode="json"),
            n=data.target.n,
            events=data.target.events,
        ),
    )
    return make_bundle(model, limits, recipe)


def _reference(data: ModellingSet, model: FittedModel, limits: Limits) -> Reference:
    """Keep what monitoring compares with, as counts and means."""
    standard = limits.applicability.standard(model.encoder.transform(data.features))
    used = dict.fromkeys(column.feature for column in model.encoder.columns)
    weights = data.weights[data.target.known]
    return Reference(
        n=len(data.target),
        features=feature_levels(data.features, used),
        centre=tuple(standard.mean(axis=0).tolist()),
        margins=Levels.of_numbers(model.out_of_fold, weights),
    )


def _horizons(data: ModellingSet) -> np.ndarray:
    return np.array(data.task.condition.at_risk.horizons if data.task.is_relapse else ())


def _base_rate(data: ModellingSet, predicted: np.ndarray) -> Mapping[str, float]:
    """Give the rate among the training rows or, for relapse, the mean survival by horizon."""
    match data.target:
        case YesNo() as target:
            known = target.known
            rate = np.average(target.outcome[known], weights=data.weights[known])
            return {"all": float(rate)}
        case _:
            means: dict[str, Any] = dict(
                zip(map("{:g}".format, _horizons(data)), predicted.mean(axis=0), strict=True)
            )
            return {day: float(mean) for day, mean in means.items()}


def package_version() -> str:
    """Give the installed version of kappredict."""
    try:
        return version("kappredict")
    except PackageNotFoundError:
        return "not installed"


def code_version() -> str:
    """Give the commit of the checkout that runs, or `release` outside one."""
    here = Path(__file__).resolve().parent
    answer = subprocess.run(  # noqa: S603  # fixed arguments
        ["git", "-C", str(here), "rev-parse", "--short=12", "HEAD"],  # noqa: S607  # whichever git
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip() or "release"
