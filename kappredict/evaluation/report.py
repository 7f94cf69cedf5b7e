"""The evaluation report of a task: figures with intervals by scheme, baselines beside them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import rankdata

from kappredict.errors import RefusedError
from kappredict.estimators.targets import Times, YesNo
from kappredict.evaluation.cross_validation import (
    BASE_RATE,
    LABELS,
    MODEL,
    OutOfFold,
    described,
)
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.metrics_binary import binary_differences, binary_metrics
from kappredict.evaluation.metrics_survival import (
    SeenTimes,
    SurvivalPredictions,
    survival_differences,
    survival_metrics,
)
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.questions import judged_rows
from kappredict.evaluation.settings import TrainingSettings
from kappredict.evaluation.trust import Trust, trust
from kappredict.features.table import FeatureTable

# From the most to the least demanding: the first that the data allow is the headline.
LEAST_PARAMETERS = 10
HARDEST_FIRST = ("leave_study_out", "temporal", "leave_site_out", "random_cv")


@dataclass(frozen=True)
class SchemeResult:
    """How the model did under one split scheme.

    `held_out` gives the same figures for each group that was left out where there are few (a
    study); `metrics` maps a figure's name to an estimate or, for `horizons`, to a table by day.
    """

    metrics: Mapping[str, Any]
    baselines: Mapping[str, Mapping[str, Any]]
    n: int
    events: int
    held_out: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class EvaluationReport:
    """How a task's model did under every scheme, and what to beware of."""

    task: str
    n: int
    events: int
    schemes: Mapping[str, SchemeResult]
    not_run: Mapping[str, str]
    warnings: tuple[str, ...]
    trust: Trust | None

    @property
    def headline(self) -> str:
        """The hardest scheme that the data allowed."""
        return next(name for name in HARDEST_FIRST if name in self.schemes)

    @property
    def discrimination(self) -> str:
        """The name of the figure that says how well outcomes are told apart."""
        return "c_index" if "c_index" in self.schemes[self.headline].metrics else "auc"

    def to_json(self) -> dict[str, Any]:
        """Give the report as plain data, in the shape of the design's contract."""
        return {
            "n": self.n,
            "events": self.events,
            "headline": self.headline,
            "schemes": {
                name: plain(one.metrics) | _extras(one) for name, one in self.schemes.items()
            },
            "baselines": {name: plain(one.baselines) for name, one in self.schemes.items()},
            "not_run": dict(self.not_run),
            "warnings": list(self.warnings),
            "trust": self.trust.to_json() if self.trust else None,
        }


def evaluate(
    data: ModellingSet,
    predictions: Mapping[str, Mapping[str, OutOfFold]],
    not_run: Mapping[str, str],
    settings: TrainingSettings,
) -> EvaluationReport:
    """Judge a task's out-of-fold predictions.

    Parameters
    ----------
    predictions
        Scheme → contender (model, base rate, labels) → predictions.
    not_run
        Scheme → why the data do not allow it.

    Raises
    ------
    RefusedError
        If the data allow no scheme at all.
    """
    schemes = {
        scheme: _judge_scheme(data, scheme, contenders, settings)
        for scheme, contenders in predictions.items()
    }
    hardest = next((name for name in HARDEST_FIRST if name in schemes), None)
    if hardest is None:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in not_run.items())
        raise RefusedError(f"{data.task.name}: no scheme of the settings can be run ({reasons})")
    some, their_predictions = described(data, predictions, settings.most_described)
    report = EvaluationReport(
        data.task.name,
        data.target.n,
        data.target.events,
        schemes,
        not_run,
        (),
        trust(some, their_predictions[hardest], settings),
    )
    warnings = (
        *_leak_warning(data, report, settings),
        *_label_warning(report),
        *_structure_warning(report.trust),
        *_tuned_warning(data, settings),
        *_size_warning(report.trust),
    )
    return replace(report, warnings=warnings)


def _judge_scheme(
    data: ModellingSet,
    scheme: str,
    contenders: Mapping[str, OutOfFold],
    settings: TrainingSettings,
) -> SchemeResult:
    tested = judged_rows(data, contenders[MODEL])
    held_out = {}
    if scheme == "leave_study_out":
        studies = data.courses["study"].to_numpy(dtype=object)
        held_out = {
            str(study): metrics_of(
                data, contenders[MODEL], tested[studies[tested] == study], settings
            )
            for study in np.unique(studies[tested])
        }
    return SchemeResult(
        metrics=metrics_of(data, contenders[MODEL], tested, settings),
        baselines={
            name: metrics_of(data, contenders[name], tested, settings)
            for name in (BASE_RATE, LABELS)
        },
        n=len(tested),
        events=data.target.take(tested).events,
        held_out=held_out,
    )


def metrics_of(
    data: ModellingSet, predicted: OutOfFold, rows: np.ndarray, settings: TrainingSettings
) -> dict[str, Any]:
    """Give the figures of some rows' predictions."""
    patients = data.rows.patients[rows]
    predictions, folds = predicted.predictions[:, rows], predicted.folds[:, rows]
    match data.target:
        case YesNo() as target:
            return dict(
                binary_metrics(
                    target.outcome[rows],
                    predictions,
                    folds,
                    patients,
                    seed=settings.seed,
                    resamples=settings.resamples,
                    weights=data.weights[rows],
                )
            )
        case Times() as target:
            return survival_metrics(
                target.lower[rows],
                target.upper[rows],
                target.event[rows],
                predictions,
                predicted.days,
                data.task.condition.at_risk.horizons,
                folds,
                patients,
                seed=settings.seed,
                resamples=settings.resamples,
            )


def differences_of(
    data: ModellingSet,
    pair: tuple[OutOfFold, OutOfFold],
    rows: np.ndarray,
    settings: TrainingSettings,
) -> dict[str, Any]:
    """Give the figures of the first predictions minus those of the second, resampled together."""
    patients, folds = data.rows.patients[rows], pair[0].folds[:, rows]
    first, second = (one.predictions[:, rows] for one in pair)
    drawn = {"seed": settings.seed, "resamples": settings.resamples}
    match data.target.take(rows):
        case YesNo() as target:
            weights = data.weights[rows]
            return dict(
                binary_differences(
                    target.outcome, (first, second), folds, patients, weights=weights, **drawn
                )
            )
        case Times() as target:
            horizons, days = tuple(data.task.condition.at_risk.horizons), pair[0].days
            return survival_differences(
                SeenTimes.of(target.lower, target.upper, target.event),
                (
                    SurvivalPredictions(first, days, folds, horizons),
                    SurvivalPredictions(second, days, folds, horizons),
                ),
                patients,
                **drawn,
            )


def _leak_warning(
    data: ModellingSet, report: EvaluationReport, settings: TrainingSettings
) -> tuple[str, ...]:
    """Suspect a leak where baseline facts predict better than baseline facts can."""
    best = max(
        (one.metrics[report.discrimination].value for one in report.schemes.values()),
        default=np.nan,
    )
    if data.task.landmark != "baseline" or not best > settings.suspect_auc:
        return ()
    suspects = ", ".join(
        f"{name} ({auc:.2f} alone)" for name, auc in suspect_features(data.features, data.target)
    )
    return (
        f"possible leak: {report.discrimination} {best:.2f} from baseline facts is above "
        f"{settings.suspect_auc:.2f}, which no sound study reaches. Look first at: {suspects}",
    )


def suspect_features(
    table: FeatureTable, target: YesNo | Times, most: int = 3
) -> list[tuple[str, float]]:
    """Rank features by how well each tells the outcome apart by itself, or by being missing."""
    rows = np.flatnonzero(target.known)
    outcome = target.strata[rows].astype(bool)
    found = []
    for spec in table.specs:
        values = table.frame[spec.name].iloc[rows]
        known = values.notna().to_numpy()
        numbers = values.astype("category").cat.codes if spec.kind == "category" else values
        alone = _auc(numbers.to_numpy(dtype="float64")[known], outcome[known])
        missing = _auc(known.astype(float), outcome)
        found.append((spec.name, max(alone, missing)))
    return sorted(found, key=lambda one: -one[1])[:most]


def _auc(values: np.ndarray, outcome: np.ndarray) -> float:
    """Give the AUC of one column in whichever direction it points; 0.5 where it cannot be had."""
    positive = int(outcome.sum())
    negative = len(outcome) - positive
    if positive < 2 or negative < 2:
        return 0.5
    u = rankdata(values)[outcome].sum() - positive * (positive + 1) / 2
    auc = u / (positive * negative)
    return float(max(auc, 1 - auc))


def _structure_warning(found: Trust | None) -> tuple[str, ...]:
    """Name the features that are empty in one study and known in another."""
    if found is None or not found.structural:
        return ()
    names = ", ".join(gap.feature for gap in found.structural)
    return (
        f"structural missingness: {names} are empty in one study and known in another; a model "
        f"trained on both does not see them",
    )


def _tuned_warning(data: ModellingSet, settings: TrainingSettings) -> tuple[str, ...]:
    """Say that settings were searched for on these rows, and what the search is worth on others."""
    if (found := settings.tuned.get(data.task.name)) is None:
        return ()
    nested = "; ".join(f"{scheme} {figure}" for scheme, figure in found.nested.items())
    return (
        f"tuned: a search of {found.trials} trials over the whole of study "
        f"{found.data_digest[:12]} chose the candidates, so figures on its rows are a little too "
        f"good; with the search repeated without the rows tested: {nested}",
    )


def _size_warning(found: Trust | None) -> tuple[str, ...]:
    """Say where the sample supports few parameters (Riley et al. 2020)."""
    if found is None or found.sample.parameters >= LEAST_PARAMETERS:
        return ()
    return (f"small sample: {found.sample} are supported (Riley's criteria); simple models only",)


def _label_warning(report: EvaluationReport) -> tuple[str, ...]:
    """Say where the labels of the design explain as much as the model does."""
    found = []
    for name, one in report.schemes.items():
        model = one.metrics[report.discrimination]
        labels = one.baselines[LABELS][report.discrimination]
        if labels.value > 0.55 and model.low <= labels.value:
            found.append(
                f"{name}: site, study and arm labels alone reach {report.discrimination} "
                f"{labels.value:.2f}; the model's {model.value:.2f} ({model.low:.2f} to "
                f"{model.high:.2f}) is not clearly above them"
            )
    return tuple(found)


def _extras(result: SchemeResult) -> dict[str, Any]:
    extras: dict[str, Any] = {"n": result.n, "events": result.events}
    if result.held_out:
        extras["held_out"] = plain(result.held_out)
    return extras


def plain(value: Any) -> Any:
    """Turn estimates and keys into what JSON can hold; a figure that is not there is null."""
    if isinstance(value, Estimate):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value
