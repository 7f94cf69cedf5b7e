"""Evaluate: a trained model on a study it never saw, as it is and after recalibration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kappredict.config.catalogue import load_catalogue
from kappredict.data.study import Study
from kappredict.data.validation import load_study
from kappredict.estimators.bundle import ModelBundle, Recalibration
from kappredict.estimators.calibration import Way
from kappredict.evaluation.case_mix import CaseMix, compare_case_mix
from kappredict.evaluation.external import Asked, ask, judged, new_place, verdict
from kappredict.evaluation.recalibration import out_of_fold
from kappredict.evaluation.settings import TrainingSettings
from kappredict.tracking.store import Store
from pipelines.models import open_model

WAYS: tuple[Way, ...] = ("intercept", "intercept_and_slope")
_FOLDS, _REPEATS = 5, 4


@dataclass(frozen=True)
class Evaluation:
    """How a model did on another study, before and after recalibration, and what to make of it.

    `after` has the figures of each way to recalibrate, every patient judged by a recalibration on
    others; `bundle` is the model recalibrated on all of them, where that was asked for.
    """

    task: str
    study: str
    n: int
    events: int
    before: dict[str, Any]
    after: dict[Way, dict[str, Any]]
    case_mix: CaseMix
    verdict: list[str]
    bundle: ModelBundle | None


def evaluate(
    model: str, folder: Path, settings: TrainingSettings, store: Store, *, way: Way | None
) -> Evaluation:
    """Ask a model about every course of a study folder, and judge what it said."""
    study = load_study(folder, load_catalogue())
    asked = ask(open_model(model, store), study)
    place, days = new_place(asked), asked.predicted.days
    before = judged(asked, asked.predicted, settings)
    after = {}
    for one in WAYS:
        predicted = out_of_fold(
            place, one, days, folds=_FOLDS, repeats=_REPEATS, seed=settings.seed
        )
        after[one] = judged(asked, predicted, settings)
    patients = asked.data.rows.patients
    case_mix = compare_case_mix(
        asked.bundle, asked.data.features, patients, seed=settings.seed,
        resamples=settings.resamples,
    )  # fmt: skip
    return Evaluation(
        task=asked.bundle.task.name,
        study=study.definition.id,
        n=asked.data.target.n,
        events=asked.data.target.events,
        before=before,
        after=after,
        case_mix=case_mix,
        verdict=[
            *_beware(asked, study),
            *verdict(before, after[WAYS[-1]], case_mix.membership),
        ],
        bundle=None if way is None else _recalibrated(asked, study, way),
    )


def _beware(asked: Asked, study: Study) -> list[str]:
    if asked.bundle.recipe.provenance.data_digest != study.digest:
        return []
    return ["Beware: it was trained on this very study, so nothing here is a validation."]


def _recalibrated(asked: Asked, study: Study, way: Way) -> ModelBundle:
    target = asked.data.target
    note = Recalibration(
        way=way,
        study=study.definition.id,
        data_digest=study.digest,
        n=target.n,
        events=target.events,
    )
    return asked.bundle.recalibrated(new_place(asked).recalibrated(way), note)
