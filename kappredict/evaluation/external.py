"""A trained model on a study it never saw: what it said, and what came of it."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.errors import RefusedError, UsageError
from kappredict.estimators.bundle import ModelBundle
from kappredict.estimators.targets import Times, YesNo
from kappredict.evaluation.cross_validation import OutOfFold, reported_days
from kappredict.evaluation.metrics_binary import binary_differences
from kappredict.evaluation.metrics_survival import (
    SeenTimes,
    SurvivalPredictions,
    survival_differences,
)
from kappredict.evaluation.modelling_set import ModellingSet, set_with_features
from kappredict.evaluation.settings import TrainingSettings


@dataclass(frozen=True)
class Asked:
    """A model's predictions for the courses of a study whose outcome is known.

    `margins` are before calibration. No row was learnt from: all are of one fold.
    """

    bundle: ModelBundle
    data: ModellingSet
    margins: np.ndarray
    predicted: OutOfFold

    def take(self, rows: np.ndarray) -> "Asked":
        """Ask of some of the courses only."""
        data = replace(
            self.data,
            courses=self.data.courses.iloc[rows].reset_index(drop=True),
            features=self.data.features.take(rows),
            target=self.data.target.take(rows),
        )
        predicted = replace(
            self.predicted,
            predictions=self.predicted.predictions[:, rows],
            folds=self.predicted.folds[:, rows],
            spread=self.predicted.spread[:, rows],
        )
        return Asked(self.bundle, data, self.margins[rows], predicted)


def ask(bundle: ModelBundle, study: Study) -> Asked:
    """Predict for every course of a study and judge its outcome by the bundle's definitions.

    Raises
    ------
    RefusedError
        If no course of the study has the task's outcome known.
    """
    study = with_totals(study, bundle.recipe.instruments)
    data = set_with_features(study, bundle.task, bundle.recipe.specs)
    if not data.target.n:
        steps = "; ".join(f"{label}: {n}" for label, n in data.attrition.steps)
        raise RefusedError(f"{bundle.task.name}: no course to judge the model on ({steps})")
    matrix = bundle.encoder.transform(data.features)
    margins = bundle.margin.values(matrix)
    days = np.empty(0)
    if isinstance(data.target, Times):
        days = reported_days(data.target, bundle.task.condition.at_risk.horizons)
    probabilities = bundle.calibration.at(bundle.calibration.margin(margins), days)
    predicted = OutOfFold(
        predictions=probabilities[None] if days.size else probabilities.T,
        folds=np.zeros((1, len(margins)), dtype=int),
        days=days,
        spread=bundle.limits.uncertainty.spread(matrix)[None],
        winners=(bundle.recipe.provenance.candidate["model"],),
    )
    return Asked(bundle, data, margins, predicted)


def same_courses(first: Asked, second: Asked) -> tuple[Asked, Asked]:
    """Keep the courses that both models were asked about and whose outcome both know.

    Raises
    ------
    UsageError
        If the models answer different tasks, or no course is common to both.
    """
    if first.bundle.task.name != second.bundle.task.name:
        raise UsageError(
            f"{first.bundle.task.name} and {second.bundle.task.name} answer different questions; "
            f"compare two models of one task"
        )
    known = [set(one.data.courses["course_id"][one.data.target.known]) for one in (first, second)]
    common = sorted(known[0] & known[1])
    if not common:
        raise UsageError("no course of this study is judged by both models")
    aligned = []
    for one in (first, second):
        place = {course: row for row, course in enumerate(one.data.courses["course_id"])}
        aligned.append(one.take(np.array([place[course] for course in common])))
    return aligned[0], aligned[1]


def differences(first: Asked, second: Asked, settings: TrainingSettings) -> dict[str, Any]:
    """Give the first model's figures minus the second's, on the same courses, resampled together.

    Outcomes are judged by the first model's definitions.
    """
    data, patients = first.data, first.data.rows.patients
    pair = (first.predicted, second.predicted)
    match data.target:
        case YesNo() as target:
            return dict(
                binary_differences(
                    target.outcome,
                    (pair[0].predictions, pair[1].predictions),
                    pair[0].folds,
                    patients,
                    seed=settings.seed,
                    resamples=settings.resamples,
                    weights=data.weights,
                )
            )
        case Times() as target:
            horizons = tuple(first.bundle.task.condition.at_risk.horizons)
            predictions = [
                SurvivalPredictions(one.predictions, one.days, one.folds, horizons) for one in pair
            ]
            return survival_differences(
                SeenTimes.of(target.lower, target.upper, target.event),
                (predictions[0], predictions[1]),
                patients,
                seed=settings.seed,
                resamples=settings.resamples,
            )
