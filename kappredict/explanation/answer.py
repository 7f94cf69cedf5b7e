"""The answers of a bundle: for each course a prediction with reasons, or an abstention."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kappredict.cohort.records import Record, record_history
from kappredict.domain.features import ColumnFeature
from kappredict.domain.prediction import Abstention, Prediction
from kappredict.estimators.bundle import Asked, ModelBundle, Used
from kappredict.explanation.groups import Explanation, explain, reasons
from kappredict.features.build import build_features
from kappredict.features.table import FeatureTable

LEAST_KNOWN = 0.2


def answer_records(bundle: ModelBundle, records: Sequence[Record]) -> list[Prediction | Abstention]:
    """Answer the bundle's task for patient records that were checked, one course each.

    What `answer_study` gives of a study of the same records, without making one.
    """
    recipe = bundle.recipe
    history = record_history(records, bundle.task.moment, recipe.instruments, recipe.study)
    names = [
        str(one["course"].get("course_id") or number) for number, one in enumerate(records, start=1)
    ]
    return answer_features(bundle, build_features(history, recipe.specs), names)


def answer_features(
    bundle: ModelBundle,
    features: FeatureTable,
    course_ids: Sequence[str],
    most_reasons: int | None = None,
) -> list[Prediction | Abstention]:
    """Answer for courses whose features are at hand, with so many reasons each, or all."""
    asked = bundle.ask(features)
    objections, not_meant = bundle.objections(asked), _not_meant_for(bundle, features)
    explained = explain(bundle, asked)
    outside = _outside_training(bundle.used, asked.matrix)
    known = _share_known(bundle.used, asked.matrix)
    synthetic = bundle.recipe.study.synthetic
    answers: list[Prediction | Abstention] = []
    for row, course_id in enumerate(course_ids):
        reason = not_meant.get(row) or _too_little(float(known[row])) or objections[row]
        if reason:
            answers.append(Abstention(course_id, bundle.task.name, reason, synthetic))
        else:
            given = reasons(bundle, features, explained, row, most_reasons)
            whole = _prediction(bundle, asked, explained, row, course_id)
            answers.append(replace(whole, reasons=given, warnings=tuple(outside[row])))
    return answers


def _not_meant_for(bundle: ModelBundle, features: FeatureTable) -> dict[int, str]:
    """Say of the rows whom predictions are not meant for why, such as patients under age."""
    reasons = {}
    for spec in bundle.needed_specs:
        least = spec.recipe.meant_from if isinstance(spec.recipe, ColumnFeature) else None
        if least is None:
            continue
        for row in np.flatnonzero(features.columns.numbers[spec.name] < least).tolist():
            label = spec.label.lower()
            reasons[row] = (
                f"{label} is below {least:g}: predictions are not meant for such patients"
            )
    return reasons


def _prediction(
    bundle: ModelBundle, asked: Asked, explained: Explanation, row: int, course_id: str
) -> Prediction:
    """Put one row's numbers together."""
    days = bundle.horizons.tolist()
    probabilities, start = asked.probabilities[row].tolist(), explained.start[row].tolist()
    ends = list(zip(asked.low[row].tolist(), asked.high[row].tolist(), strict=True))
    return Prediction(
        course_id=course_id,
        task=bundle.task.name,
        probability=probabilities[-1],
        interval=ends[-1],
        base_rate=list(bundle.recipe.base_rate.values())[-1],
        start=start[-1],
        survival=dict(zip(days, probabilities, strict=True)) if days else {},
        survival_interval=dict(zip(days, ends, strict=True)) if days else {},
        start_by_day=dict(zip(days, start, strict=True)) if days else {},
        synthetic=bundle.recipe.study.synthetic,
    )


def _too_little(known: float) -> str:
    if known >= LEAST_KNOWN:
        return ""
    return (
        f"too little is known: {known:.0%} of what the model uses, and at least "
        f"{LEAST_KNOWN:.0%} is needed"
    )


def _share_known(used: Used, matrix: np.ndarray) -> np.ndarray:
    """Give, per row, the share known of what is usually known, weighted by how usual that is."""
    if not used.labels:
        return np.ones(len(matrix))
    known = ~np.isnan(matrix[:, used.columns])
    return np.asarray(known @ used.known / used.known.sum())


def _outside_training(used: Used, matrix: np.ndarray) -> list[list[str]]:
    """Name, per row, the features whose value no training row reached."""
    messages: list[list[str]] = [[] for _ in range(len(matrix))]
    values = matrix[:, used.columns]
    for row, place in np.argwhere((values < used.low) | (values > used.high)):
        messages[row].append(f"{used.labels[place]} lies outside what the model was trained on")
    return messages
