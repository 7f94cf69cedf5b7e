"""How close the chosen model comes to the truth, on simulated studies of 2,000 per condition.

`python tests/benchmarks/accuracy.py` prints the page `docs/accuracy.md`. Three yardsticks for each
condition: the true probabilities (which know what no record holds: values that were not measured,
and the site's own level); the best that can be made of the records (trees fitted to the *true*
log-odds of 20,000 other courses); and the model that `fit_model` chooses from 2,000 courses.
"""

import sys
from collections.abc import Callable, Iterator

import numpy as np
import xgboost
from lifelines.utils import concordance_index
from scipy.special import logit
from simulated import Simulated, even_study, expected_auc, markdown

from kappredict.config.catalogue import load_catalogue
from kappredict.data.simulation import load_parameters
from kappredict.domain.conditions import Outcome
from kappredict.estimators.encoder import Encoder
from kappredict.estimators.fit import fit_model
from kappredict.evaluation.metrics_binary import calibration_slope
from kappredict.evaluation.settings import read_settings

EACH, TEST_EACH = 2_000, 10_000
SEED = 1
CATALOGUE, PARAMETERS = load_catalogue(None), load_parameters()
SETTINGS = read_settings("default")


def main() -> None:
    """Print the page."""
    print(__doc__)
    for outcome, rows in (("response", response_rows), ("relapse", relapse_rows)):
        train, test, other = (
            even_study(CATALOGUE, PARAMETERS, outcome, each=each, seed=seed)
            for each, seed in ((EACH, SEED), (TEST_EACH, SEED + 1), (TEST_EACH, SEED + 2))
        )
        figure = "AUC" if outcome == "response" else "C"
        head = ("condition", "courses used", "chosen", f"true {figure}", "records at best")
        head += ("model", "model / true", "model / records", "calibration slope")
        print(f"\n## {outcome.capitalize()}, predicted at baseline\n")
        print(markdown(head, list(rows(train, test, other))))
        sys.stdout.flush()


def response_rows(train: Simulated, test: Simulated, other: Simulated) -> Iterator[list[object]]:
    """Judge response by the AUC that true probabilities imply, free of the noise of outcomes."""

    def judge(place: int, score: np.ndarray) -> float:
        return expected_auc(score, test.truth[place]["p_response_baseline"].to_numpy())

    for place in range(len(train.sets)):
        truth = test.truth[place]
        target = logit(other.truth[place]["p_response_baseline"].to_numpy())
        margins, row = _compared(train, test, other, place, target, judge)
        true = judge(place, truth["p_response_baseline"].to_numpy())
        outcome = truth["response"].to_numpy(dtype=float)
        probability = 1 / (1 + np.exp(-margins))
        slope = calibration_slope(outcome, probability, np.ones((1, len(outcome))))[0]
        yield _row(row, true, slope)


def relapse_rows(train: Simulated, test: Simulated, other: Simulated) -> Iterator[list[object]]:
    """Judge relapse by the concordance with the true days of relapse, none of them censored."""

    def judge(place: int, score: np.ndarray) -> float:
        return float(concordance_index(test.truth[place]["relapse_day"], score))

    for place in range(len(train.sets)):
        target = -other.truth[place]["log_hazard"].to_numpy()
        _, row = _compared(train, test, other, place, target, judge)
        true = judge(place, test.truth[place]["survival_90"].to_numpy())
        yield _row(row, true, np.nan)


def _compared(
    train: Simulated,
    test: Simulated,
    other: Simulated,
    place: int,
    target: np.ndarray,
    judge: Callable[[int, np.ndarray], float],
) -> tuple[np.ndarray, list[object]]:
    """Fit what is chosen from the training study, and the best of the records from another."""
    data, tested = train.sets[place], test.sets[place].features
    candidates = SETTINGS.candidates(data.task.outcome)
    model = fit_model(data.all_rows, candidates, folds=SETTINGS.inner_folds, seed=SETTINGS.seed)
    margins = model.calibration.margin(model.margins(tested))
    encoder = Encoder.fit(other.sets[place].features)
    best = xgboost.train(
        {"max_depth": 4, "eta": 0.05, "objective": "reg:squarederror", "nthread": 2, "seed": 1},
        xgboost.DMatrix(encoder.transform(other.sets[place].features), target),
        num_boost_round=400,
    )
    records = best.predict(xgboost.DMatrix(encoder.transform(tested)))
    names = [data.task.condition.id, data.target.n, model.candidate.model]
    return margins, [*names, judge(place, records), judge(place, margins)]


def _row(found: list[object], true: float, slope: float) -> list[object]:
    condition, n, chosen, records, model = found
    ratios = (float(model) / true, float(model) / float(records))  # type: ignore[arg-type]
    figures = [true, records, model, *ratios, slope]
    return [condition, n, chosen, *(f"{one:.3f}" for one in figures)]


if __name__ == "__main__":
    outcomes: tuple[Outcome, ...] = ("response", "relapse")
    main()
