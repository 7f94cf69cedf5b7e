"""The answers of a bundle: for each course a prediction with reasons, or an abstention."""

import numpy as np
import pandas as pd

from kappredict.cohort.courses import find_cohort
from kappredict.data.history import History
from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.domain.prediction import Abstention, Prediction
from kappredict.errors import DataError
from kappredict.estimators.bundle import ModelBundle, Typical
from kappredict.explanation.groups import reasons
from kappredict.features.build import build_features
from kappredict.features.table import FeatureTable

LEAST_KNOWN = 0.2


def answer(bundle: ModelBundle, study: Study) -> list[Prediction | Abstention]:
    """Answer the bundle's task for every course of its condition that is at the landmark.

    The same `History` and `build_features` as in training; one patient or many.

    Raises
    ------
    DataError
        If the study has no course that the task can be asked about.
    """
    study = with_totals(study, bundle.recipe.instruments)
    cohort = find_cohort(study, bundle.task)
    if not len(cohort.courses):
        steps = "; ".join(f"{label}: {n}" for label, n in cohort.attrition.steps)
        raise DataError(f"{bundle.task.name}: no course to predict for ({steps})")
    features = build_features(History.cut(study, cohort.courses), bundle.recipe.specs)
    return answer_features(bundle, features, cohort.courses["course_id"])


def answer_features(
    bundle: ModelBundle, features: FeatureTable, course_ids: pd.Series
) -> list[Prediction | Abstention]:
    """Answer for courses whose features are at hand."""
    probabilities = bundle.probabilities(features)
    low, high = bundle.intervals(features)
    objections = bundle.objections(features)
    explained = reasons(bundle, features)
    outside = _outside_training(bundle, features)
    known = _share_known(bundle, features)
    base = bundle.recipe.base_rate
    synthetic = bundle.recipe.study.synthetic
    answers: list[Prediction | Abstention] = []
    for row, course_id in enumerate(course_ids):
        reason = _too_little(float(known[row])) or objections[row]
        if reason:
            answers.append(Abstention(course_id, bundle.task.name, reason, synthetic))
            continue
        days = [float(day) for day in bundle.horizons]
        ends = list(zip(low[row].tolist(), high[row].tolist(), strict=True))
        answers.append(
            Prediction(
                course_id=course_id,
                task=bundle.task.name,
                probability=float(probabilities[row, -1]),
                interval=ends[-1],
                base_rate=list(base.values())[-1],
                survival=dict(zip(days, probabilities[row].tolist(), strict=True)) if days else {},
                survival_interval=dict(zip(days, ends, strict=True)) if days else {},
                reasons=explained[row],
                warnings=tuple(outside[row]),
                synthetic=synthetic,
            )
        )
    return answers


def _too_little(known: float) -> str:
    if known >= LEAST_KNOWN:
        return ""
    return (
        f"too little is known: {known:.0%} of what the model uses, and at least "
        f"{LEAST_KNOWN:.0%} is needed"
    )


def _share_known(bundle: ModelBundle, features: FeatureTable) -> np.ndarray:
    """Give, per row, the share known of what is usually known, weighted by how usual that is."""
    names = sorted({column.feature for column in bundle.encoder.columns})
    if not names:
        return np.ones(len(features.frame))
    usual = np.array([bundle.recipe.typical[name].known for name in names])
    known = features.frame[names].notna().to_numpy(dtype=float)
    return known @ usual / usual.sum()


def _outside_training(bundle: ModelBundle, features: FeatureTable) -> list[list[str]]:
    """Name, per row, the features whose value no training row reached."""
    messages: list[list[str]] = [[] for _ in range(len(features.frame))]
    used = {column.feature for column in bundle.encoder.columns}
    for spec in bundle.recipe.specs:
        typical = bundle.recipe.typical[spec.name]
        if spec.name not in used or spec.kind == "category":
            continue
        for row in np.flatnonzero(_beyond(features.frame[spec.name], typical)):
            messages[row].append(f"{spec.label} lies outside what the model was trained on")
    return messages


def _beyond(values: pd.Series, typical: Typical) -> np.ndarray:
    if typical.low is None or typical.high is None:
        return np.zeros(len(values), dtype=bool)
    return ((values < typical.low) | (values > typical.high)).to_numpy()
