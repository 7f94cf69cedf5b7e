"""The figures of a task: what is drawn from its out-of-fold predictions and its report."""

import numpy as np
import plotly.graph_objects as go

from kappredict.estimators.targets import Times, YesNo
from kappredict.evaluation.cross_validation import MODEL, OutOfFold, Predictions
from kappredict.evaluation.figures import (
    distribution_figure,
    forest_figure,
    relapse_figure,
    roc_figure,
)
from kappredict.evaluation.figures_calibration import calibration_figure
from kappredict.evaluation.figures_trust import trust_figures
from kappredict.evaluation.metrics_survival import SeenTimes
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.questions import judged_rows, questions
from kappredict.evaluation.report import EvaluationReport
from kappredict.evaluation.settings import TrainingSettings

_WORDS = {"auc": "AUC", "c_index": "C-index (Uno)"}


def task_figures(
    data: ModellingSet,
    predictions: Predictions,
    report: EvaluationReport,
    settings: TrainingSettings,
    *,
    synthetic: bool,
) -> dict[str, go.Figure]:
    """Draw a task's figures from the out-of-fold predictions of its headline scheme."""
    predicted = predictions[report.headline][MODEL]
    name = report.discrimination
    schemes = report.schemes
    contenders = {
        "model": {scheme: one.metrics[name] for scheme, one in schemes.items()},
        "labels alone": {s: one.baselines["labels"][name] for s, one in schemes.items()},
    }
    return {
        "forest": forest_figure(contenders, figure_name=_WORDS[name], synthetic=synthetic),
        **_calibration(data, predicted, settings, synthetic=synthetic),
        **_of_predictions(data.target, predicted, synthetic=synthetic),
        **(trust_figures(report.trust, synthetic=synthetic) if report.trust else {}),
    }


def _calibration(
    data: ModellingSet, predicted: OutOfFold, settings: TrainingSettings, *, synthetic: bool
) -> dict[str, go.Figure]:
    """Draw the calibration of all repeats; nothing where no horizon was reached."""
    asked = questions(data, predicted, judged_rows(data, predicted))
    if not asked:
        return {}
    seed, resamples = settings.seed, settings.resamples
    figure = calibration_figure(asked, seed=seed, resamples=resamples, synthetic=synthetic)
    return {"calibration": figure}


def _of_predictions(
    target: YesNo | Times, predicted: OutOfFold, *, synthetic: bool
) -> dict[str, go.Figure]:
    """Draw the first repeat: one prediction per row, each from one fold."""
    fold, first = predicted.folds[0], predicted.predictions[0]
    rows = np.flatnonzero((fold >= 0) & target.known)
    match target:
        case YesNo():
            outcome, probability = target.outcome[rows], first[rows]
            return {
                "roc": roc_figure(outcome, probability, fold[rows], synthetic=synthetic),
                "distribution": distribution_figure(outcome, probability, synthetic=synthetic),
            }
        case Times():
            times = SeenTimes(target.seen[rows], target.event[rows])
            return {
                "relapse_curves": relapse_figure(
                    times, first[rows], predicted.days, synthetic=synthetic
                )
            }
