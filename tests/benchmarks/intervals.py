"""Do nine of ten 90 % intervals hold the true probability? On simulated studies, where it is known.

`python tests/benchmarks/intervals.py` prints `docs/intervals.md`. Each of several studies of 2,000
courses per condition has sites of its own, and so has the study that it is tested on. Beside our
intervals stand those of Venn-Abers predictors (Vovk, Petej and Fedorova 2015; the `venn-abers`
package) around the same model: they bound what calibration leaves open, and nothing else.
"""

import sys
from collections import defaultdict

import numpy as np
from simulated import even_study, markdown
from venn_abers import VennAbers

from kappredict.config.catalogue import load_catalogue
from kappredict.data.simulation import load_parameters
from kappredict.estimators.fit import FittedModel, Rows, fit_model
from kappredict.estimators.limits import COVERAGE, limits_of
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.settings import read_settings
from kappredict.features.table import FeatureTable

STUDIES, EACH, TEST_EACH = 5, 2_000, 2_000
CATALOGUE, PARAMETERS = load_catalogue(None), load_parameters()
SETTINGS = read_settings("light")


def main() -> None:
    """Print the page."""
    print(__doc__)
    for outcome, truth in (("response", "p_response_baseline"), ("relapse", "survival_90")):
        held = defaultdict(list)
        for study in range(STUDIES):
            train, test = (
                even_study(CATALOGUE, PARAMETERS, outcome, each=each, seed=seed)
                for each, seed in ((EACH, 100 + study), (TEST_EACH, 200 + study))
            )
            for data, tested, known in zip(train.sets, test.sets, test.truth, strict=True):
                found = covered(data, tested.features, known[truth].to_numpy())
                held[data.task.condition.id].append(found)
        head = ["condition", "courses used", f"held by {COVERAGE:.0%} intervals", "lowest study"]
        head += ["highest study", "mean width", "held by Venn-Abers"]
        print(f"\n## {outcome.capitalize()} at baseline, {STUDIES} studies\n")
        print(markdown(head, [_row(name, np.array(one)) for name, one in held.items()]))
        sys.stdout.flush()


def covered(data: ModellingSet, table: FeatureTable, truth: np.ndarray) -> list[float]:
    """Give n, the share of intervals that hold the truth, their width, and Venn-Abers' share."""
    rows = data.all_rows
    model = fit_model(
        rows,
        SETTINGS.candidates(data.task),
        folds=SETTINGS.inner_folds,
        seed=SETTINGS.seed,
    )
    limits, day = limits_of(model, rows), np.array([90.0])
    matrix = model.encoder.transform(table)
    margins = model.calibration.margin(model.margin.values(matrix))
    low, high = (model.calibration.at(end, day)[:, 0] for end in limits.bounds(margins, matrix))
    ours = float(((low <= truth) & (truth <= high)).mean())
    peer = np.nan if data.task.is_relapse else _venn_abers(model, rows, table, truth)
    return [data.target.n, ours, float((high - low).mean()), peer]


def _venn_abers(model: FittedModel, rows: Rows, table: FeatureTable, truth: np.ndarray) -> float:
    """Calibrate the out-of-fold margins and give the share of [p0, p1] that hold the truth."""
    calibrator = VennAbers()
    outcome = rows.target.take(rows.judged).fitted_on
    scores = 1 / (1 + np.exp(-model.out_of_fold))
    calibrator.fit(np.column_stack([1 - scores, scores]), outcome)
    tested = 1 / (1 + np.exp(-model.margins(table)))
    _, bounds = calibrator.predict_proba(np.column_stack([1 - tested, tested]))
    return float(((bounds[:, 0] <= truth) & (truth <= bounds[:, 1])).mean())


def _row(condition: str, found: np.ndarray) -> list[str]:
    n, ours, width, peer = found.mean(axis=0)
    lowest, highest = found[:, 1].min(), found[:, 1].max()
    figures = [f"{one:.1%}" for one in (ours, lowest, highest)]
    return [condition, f"{n:.0f}", *figures, f"{width:.2f}", f"{peer:.1%}"]


if __name__ == "__main__":
    main()
