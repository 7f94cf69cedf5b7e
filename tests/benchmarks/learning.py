"""What more patients and more assessments would buy, on real studies and a simulated one.

`python tests/benchmarks/learning.py` prints `docs/learning.md`. Figures are out of fold, by
patient, in the same test folds throughout; the `light` candidates compete in each.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from simulated import even_study, markdown

from kappredict.config.catalogue import load_catalogue, shipped_configs
from kappredict.data.importing import import_study
from kappredict.data.simulation import load_parameters
from kappredict.data.totals import with_totals
from kappredict.data.validation import check
from kappredict.domain.task import PredictionTask
from kappredict.estimators.targets import Times
from kappredict.evaluation.cross_validation import reported_days
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.learning_curves import learning_curve, more_features
from kappredict.evaluation.modelling_set import ModellingSet, build_modelling_set
from kappredict.evaluation.schemes import plan_schemes
from kappredict.evaluation.settings import RandomSplits, Schemes, read_settings

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
SETTINGS = read_settings("light").model_copy(
    update={"schemes": Schemes(random_cv=RandomSplits(folds=5, repeats=1))}
)
TASKS = (("ctn0094", "oud", "relapse", "baseline"), ("ctn0094", "oud", "relapse", "early"))


def main() -> None:
    """Print the page."""
    print(__doc__)
    for title, data in _sets():
        scheme = plan_schemes(data, SETTINGS).folds["random_cv"]
        days = np.empty(0)
        if isinstance(data.target, Times):
            days = reported_days(data.target, data.task.condition.at_risk.horizons)
        curve = learning_curve(data, scheme, days, SETTINGS)
        measure = "C" if data.task.is_relapse else "AUC"
        print(f"\n## {title}\n")
        rows = [
            (one.patients, _words(Estimate(one.value, one.low, one.high)))
            for one in curve.points.itertuples()
        ]
        print(markdown(("patients to learn from", measure), rows))
        print(f"\nTwice as many would add {_words(curve.doubled)}.\n")
        found = more_features(data, scheme, days, SETTINGS)
        print(markdown(("what is recorded", measure), [(k, _words(v)) for k, v in found.items()]))
        sys.stdout.flush()


def _sets() -> Iterator[tuple[str, ModellingSet]]:
    catalogue = load_catalogue(None)
    simulated = even_study(catalogue, load_parameters(), "response", each=1000, seed=1)
    for one in simulated.sets[:3]:
        yield f"{one.task.name}, simulated (synthetic data)", one
    for folder, condition, outcome, landmark in TASKS:
        raw = import_study(shipped_configs() / "studies" / folder, DATA / folder, catalogue)
        study = check(raw, catalogue).study
        own = catalogue.for_study(study.definition)
        task = PredictionTask(own.condition(condition), outcome, landmark)
        yield (
            f"{task.name}, {folder}",
            build_modelling_set(with_totals(study, own.instruments), own, task),
        )


def _words(one: Estimate) -> str:
    return f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"


if __name__ == "__main__":
    main()
