"""The modelling set of a study in partitions: those of its partitions, joined in its order."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from kappredict.cohort.attrition import together
from kappredict.estimators.targets import stack_targets
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.features.table import FeatureTable


def join_sets(parts: Sequence[ModellingSet]) -> ModellingSet:
    """Join the modelling sets of one task, built with the same features, in the order of courses.

    The answer equals that of the whole study, number by number.
    """
    courses = pd.concat([one.courses for one in parts], ignore_index=True)
    courses = courses.sort_values("course_id", kind="stable")
    order = courses.index.to_numpy()
    features = _joined([one.features for one in parts], order)
    same = all(one.context is one.features for one in parts)
    return ModellingSet(
        parts[0].task,
        courses.reset_index(drop=True),
        features,
        features if same else _joined([one.context for one in parts], order),
        stack_targets([one.target for one in parts]).take(order),
        together([one.attrition for one in parts]),
    )


def _joined(tables: Sequence[FeatureTable], order: np.ndarray) -> FeatureTable:
    """Join tables column by column, so that there is never more than one column twice."""
    specs = tables[0].specs
    numbers = [spec.name for spec in specs if spec.kind != "category"]
    block = np.empty((len(numbers), len(order)))
    for place, name in enumerate(numbers):
        block[place] = np.concatenate([one.columns.numbers[name] for one in tables])[order]
    frame = pd.DataFrame(block.T, columns=numbers, copy=False)
    for place, spec in enumerate(specs):
        if spec.kind == "category":
            parts = [pd.Series(one.columns.texts[spec.name].array) for one in tables]
            texts = pd.concat(parts, ignore_index=True)
            frame.insert(place, spec.name, texts.take(order).reset_index(drop=True))
    return FeatureTable(frame, specs)
