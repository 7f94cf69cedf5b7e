"""A trained model on a study it never saw: what it said, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.errors import RefusedError, UsageError
from kappredict.estimators.bundle import ModelBundle
from kappredict.estimators.targets import Times
from kappredict.evaluation.calibration_curve import calibration_figures
from kappredict.evaluation.cross_validation import OutOfFold, reported_days
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.modelling_set import ModellingSet, set_with_features
from kappredict.evaluation.questions import judged_rows, questions
from kappredict.evaluation.recalibration import NewPlace
from kappredict.evaluation.report import differences_of, metrics_of
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
            context=self.data.context.take(rows),
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
    return asked_about(bundle, data)


def asked_about(bundle: ModelBundle, data: ModellingSet) -> Asked:
    """Predict for every course of a modelling set."""
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
    everyone = np.arange(len(first.data.target))
    return differences_of(first.data, (first.predicted, second.predicted), everyone, settings)


def new_place(asked: Asked) -> NewPlace:
    """Give what a recalibration learns from."""
    return NewPlace(
        asked.bundle.calibration,
        asked.margins,
        asked.data.target,
        asked.data.weights,
        asked.data.rows.patients,
    )


def judged(asked: Asked, predicted: OutOfFold, settings: TrainingSettings) -> dict[str, Any]:
    """Give the figures of some predictions, with the calibration of each question."""
    rows = judged_rows(asked.data, predicted)
    figures = metrics_of(asked.data, predicted, rows, settings)
    calibration = {
        name: calibration_figures(question, seed=settings.seed, resamples=settings.resamples)
        for name, question in questions(asked.data, predicted, rows).items()
    }
    return figures | {"calibration_curve": calibration}


def verdict(before: Mapping[str, Any], after: Mapping[str, Any], case_mix: Estimate) -> list[str]:
    """Say in plain words whether a model travels: ranking, level, and how new the patients are."""
    discrimination = before.get("c_index", before.get("auc"))
    name = list(before["calibration_curve"])[-1]
    said, moved = (one["calibration_curve"][name] for one in (before, after))
    return [
        _ranks(discrimination),
        _level(said["intercept"], said["slope"]),
        _gain(said["ici"], moved["ici"]),
        _new(case_mix),
    ]


def _ranks(figure: Estimate) -> str:
    shown = f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"
    if not figure.low > 0.5:
        return f"It does not tell these patients' outcomes apart better than chance: {shown}."
    return f"It tells these patients' outcomes apart better than chance: {shown}."


def _level(intercept: Estimate, slope: Estimate) -> str:
    level = "about right"
    if intercept.low > 0:
        level = "too low"
    elif intercept.high < 0:
        level = "too high"
    spread = "about as spread as they should be"
    if slope.high < 1:
        spread = "too extreme"
    elif slope.low > 1:
        spread = "too timid"
    return f"As they are its probabilities are {level} on average, and {spread}."


def _gain(before: Estimate, after: Estimate) -> str:
    if np.isnan(before.value) or np.isnan(after.value):
        return "There are too few outcomes here for a calibration curve."
    return (
        f"The mean error of its probabilities is {100 * before.value:.0f} percentage points, and "
        f"{100 * after.value:.0f} after recalibration on patients of the place."
    )


def _new(membership: Estimate) -> str:
    if np.isnan(membership.value):
        return "How far these patients differ from those it was trained on cannot be said."
    words = (
        "much like"
        if membership.high < 0.6
        else "unlike"
        if membership.low > 0.75
        else "not quite like"
    )
    return (
        f"These patients are {words} those it was trained on (membership AUC "
        f"{membership.value:.2f})."
    )
