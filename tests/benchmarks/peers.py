"""Our chosen model beside well-known ones on real studies, in the same folds, on the same patients.

`python tests/benchmarks/peers.py` prints `docs/peers.md`; it imports the studies itself. A peer is
fitted with its package's usual settings in the very folds of repeated cross-validation and of
leaving one study out; missing values are filled with the median where the peer needs it.
Differences (ours minus theirs) have 95 % intervals by a bootstrap over patients that draws the same
patients for both.
"""

import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from interpret.glassbox import ExplainableBoostingClassifier
from simulated import markdown
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sksurv.ensemble import RandomSurvivalForest
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

from kappredict.config.catalogue import load_catalogue, shipped_configs
from kappredict.data.importing import import_study
from kappredict.data.totals import with_totals
from kappredict.data.validation import check
from kappredict.domain.conditions import OUTCOMES, Outcome
from kappredict.domain.task import tasks_of
from kappredict.errors import RefusedError
from kappredict.estimators.encoder import Encoder
from kappredict.evaluation.cross_validation import MODEL, OutOfFold, cross_validate
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.metrics_binary import binary_differences
from kappredict.evaluation.metrics_survival import (
    SeenTimes,
    SurvivalPredictions,
    survival_differences,
)
from kappredict.evaluation.modelling_set import ModellingSet, build_modelling_set
from kappredict.evaluation.report import metrics_of
from kappredict.evaluation.schemes import plan_schemes
from kappredict.evaluation.settings import RandomSplits, Schemes, read_settings
from kappredict.evaluation.splits import SchemeFolds

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
# Of the opioid trials relapse only: response has 26 to 174 events there, and an hour of fits.
STUDIES = {
    "ctn0094": ("relapse",),
    "antidepressant_dia": OUTCOMES,
    "beat_the_blues": OUTCOMES,
    "uis": OUTCOMES,
}
SETTINGS = read_settings("default").model_copy(
    update={
        "schemes": Schemes(
            random_cv=RandomSplits(folds=5, repeats=1), leave_study_out={"most_folds": 10}
        )
    }
)
LEAST_EVENTS = 20


def _classifiers() -> dict[str, object]:
    filled = (SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    return {
        "logistic regression": make_pipeline(*filled, LogisticRegression(max_iter=2000)),
        "hist. gradient boosting": HistGradientBoostingClassifier(random_state=1),
        "EBM": ExplainableBoostingClassifier(random_state=1, n_jobs=1),
    }


def _survivors() -> dict[str, object]:
    filled = (SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    forest = RandomSurvivalForest(200, min_samples_leaf=15, random_state=1, n_jobs=2)
    return {
        "Cox (ridge 0.1)": make_pipeline(*filled, CoxPHSurvivalAnalysis(alpha=0.1)),
        "random survival forest": make_pipeline(*filled, forest),
    }


def main() -> None:
    """Print the page."""
    print(__doc__)
    for study, outcomes in STUDIES.items():
        print(f"\n## {study}\n")
        head = ("task", "scheme", "figure", "ours (chosen)", "peer", "theirs", "ours − theirs")
        print(markdown(head, [row for data in _sets(study, outcomes) for row in _rows(data)]))
        sys.stdout.flush()


def _sets(study: str, outcomes: tuple[Outcome, ...]) -> Iterator[ModellingSet]:
    """Import a study and build the modelling sets that are large enough."""
    catalogue = load_catalogue(None)
    raw = import_study(shipped_configs() / "studies" / study, DATA / study, catalogue)
    source = check(raw, catalogue).study
    catalogue = catalogue.for_study(source.definition)
    source = with_totals(source, catalogue.instruments)
    for name in sorted(set(source.courses["condition"])):
        condition = catalogue.condition(name)
        for task in tasks_of(condition, outcomes, SETTINGS.landmarks):
            data = build_modelling_set(source, catalogue, task)
            try:
                data.require_events(LEAST_EVENTS)
            except RefusedError:
                continue
            yield data


def _rows(data: ModellingSet) -> Iterator[list[str]]:
    plan = plan_schemes(data, SETTINGS)
    predictions = cross_validate([data], [plan.folds], SETTINGS, lambda done, of: None)[0]
    peers = _survivors() if data.task.is_relapse else _classifiers()
    figure, measure = ("c_index", "C") if data.task.is_relapse else ("auc", "AUC")
    for scheme, folds in plan.folds.items():
        ours = predictions[scheme][MODEL]
        rows = np.flatnonzero((ours.folds >= 0).all(axis=0) & data.target.known)
        chosen = "/".join(sorted(set(ours.winners)))
        mine = metrics_of(data, ours, rows, SETTINGS)[figure]
        for name, peer in peers.items():
            theirs = _out_of_fold(data, folds, ours, peer)
            other = metrics_of(data, theirs, rows, SETTINGS)[figure]
            gap = _difference(data, ours, theirs, rows)[figure]
            yield [
                data.task.name, scheme, measure, f"{_words(mine)} ({chosen})", name,
                _words(other), _words(gap),
            ]  # fmt: skip


def _out_of_fold(
    data: ModellingSet, folds: SchemeFolds, ours: OutOfFold, peer: object
) -> OutOfFold:
    predictions = np.full(ours.predictions.shape, np.nan)
    known = data.target.known
    for fold in folds.folds:
        train = fold.train[known[fold.train]]
        encoder = Encoder.fit(data.features.take(train))
        fitted = encoder.transform(data.features.take(train))
        tested = encoder.transform(data.features.take(fold.test))
        predict = _fit_survival if data.task.is_relapse else _fit_classifier
        predictions[fold.repeat, fold.test] = predict(data, train, fitted, tested, peer, ours.days)
    return replace(ours, predictions=predictions)


def _fit_classifier(data, train, fitted, tested, peer, days):  # type: ignore[no-untyped-def]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer.fit(fitted, data.target.outcome[train].astype(int))
        return peer.predict_proba(tested)[:, 1]


def _fit_survival(data, train, fitted, tested, peer, days):  # type: ignore[no-untyped-def]
    target = data.target.take(train)
    outcome = Surv.from_arrays(target.relapsed, np.maximum(target.seen, 0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer.fit(fitted, outcome)
        curves = peer.predict_survival_function(tested)
    return np.array([one(np.clip(days, *one.domain)) for one in curves])


def _difference(
    data: ModellingSet, ours: OutOfFold, theirs: OutOfFold, rows: np.ndarray
) -> dict[str, Estimate]:
    folds, patients = ours.folds[:, rows], data.rows.patients[rows]
    kept = {"seed": SETTINGS.seed, "resamples": SETTINGS.resamples}
    target = data.target.take(rows)
    pair = (ours.predictions[:, rows], theirs.predictions[:, rows])
    if not data.task.is_relapse:
        return binary_differences(
            target.outcome, pair, folds, patients, weights=data.weights[rows], **kept
        )
    horizons = tuple(data.task.condition.at_risk.horizons)
    times = SeenTimes.of(target.lower, target.upper, target.event)
    both = tuple(SurvivalPredictions(one, ours.days, folds, horizons) for one in pair)
    return survival_differences(times, both, patients, **kept)


def _words(one: Estimate) -> str:
    return f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"


if __name__ == "__main__":
    main()
