"""Compare: two models of one task on the same courses of a study, with paired intervals."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kappredict.config.catalogue import load_catalogue
from kappredict.data.validation import load_study
from kappredict.evaluation.external import Asked, ask, differences, same_courses
from kappredict.evaluation.report import metrics_of
from kappredict.evaluation.settings import TrainingSettings
from kappredict.tracking.store import Store
from pipelines.models import open_model


@dataclass(frozen=True)
class Comparison:
    """Figures of both models, and the first's minus the second's, on the same courses."""

    task: str
    n: int
    events: int
    first: dict[str, Any]
    second: dict[str, Any]
    difference: dict[str, Any]


def compare(
    first: str, second: str, folder: Path, settings: TrainingSettings, store: Store
) -> Comparison:
    """Ask both models about every course of a study folder that both can judge."""
    study = load_study(folder, load_catalogue())
    a, b = same_courses(*(ask(open_model(name, store), study) for name in (first, second)))
    return Comparison(
        task=a.bundle.task.name,
        n=a.data.target.n,
        events=a.data.target.events,
        first=_figures(a, settings),
        second=_figures(b, settings),
        difference=differences(a, b, settings),
    )


def _figures(asked: Asked, settings: TrainingSettings) -> dict[str, Any]:
    everyone = np.arange(len(asked.data.target))
    return metrics_of(asked.data, asked.predicted, everyone, settings)
