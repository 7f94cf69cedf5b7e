"""The cost of explaining: as a ratio to XGBoost's own contributions of the same rows, in one run.

Run it as a script; it measures and asserts no time. Each figure is the best of five, on one thread.
Timed as kappredict: features to columns, contributions, percentage points by clinical idea and the
intervals beside them. Timed as XGBoost: `pred_contribs` of the columns at hand.
"""

import time
from collections.abc import Callable

import xgboost

from kappredict.config.catalogue import load_catalogue
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.totals import with_totals
from kappredict.domain.task import PredictionTask
from kappredict.estimators.candidates import BoostedTrees
from kappredict.estimators.margins import TreeMargin
from kappredict.evaluation.modelling_set import build_modelling_set
from kappredict.evaluation.report import EvaluationReport, SchemeResult
from kappredict.evaluation.settings import TrainingSettings, read_settings
from kappredict.evaluation.training import train_bundle
from kappredict.explanation.groups import explain

PATIENTS, REPEATS = 10_000, 5


def best(compute: Callable[[], object]) -> float:
    """Time the best of a few runs."""
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        compute()
        taken.append(time.perf_counter() - started)
    return min(taken)


def main() -> None:
    """Print the two times and their ratio."""
    catalogue = load_catalogue()
    simulated = simulate(load_parameters(), patients=PATIENTS, seed=1, conditions=("depression",))
    study = with_totals(simulated.study, catalogue.instruments)
    task = PredictionTask(catalogue.condition("depression"), "response", "baseline")
    data = build_modelling_set(study, catalogue, task)
    settings: TrainingSettings = read_settings("light").model_copy(
        update={"response_candidates": (BoostedTrees(model="boosted_trees", depth=3, rounds=150),)}
    )
    n, events = len(data.target), data.target.events
    report = EvaluationReport(
        task.name, n, events, {"random_cv": SchemeResult({}, {}, n, events, {})}, {}, (), None
    )
    bundle = train_bundle(data, report, study, catalogue, settings)
    margin, matrix = bundle.margin, bundle.encoder.transform(data.features)
    assert isinstance(margin, TreeMargin)

    def bare() -> object:
        rows = xgboost.DMatrix(matrix, nthread=1)
        return margin.booster.predict(rows, pred_contribs=True)

    ours = best(lambda: explain(bundle, bundle.ask(data.features)))
    theirs = best(bare)
    print(f"{len(matrix):,} patients, {matrix.shape[1]} columns")
    print(f"kappredict {ours:.3f} s, pred_contribs {theirs:.3f} s, ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
