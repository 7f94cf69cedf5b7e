"""How close the chosen model comes to the truth, on simulated studies (synthetic data).

`python tests/benchmarks/accuracy.py` prints the page `docs/accuracy.md`. Three yardsticks for each
condition: the true probabilities (which know what no record holds: values that were not measured,
and the site's own level); the best that can be made of the records (trees fitted to what the *true*
model says of 10,000 other courses); and the model that `fit_model` chooses, averaged over studies.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xgboost
from lifelines.utils import concordance_index
from scipy.special import logit
from simulated import Simulated, even_study, expected_auc, markdown

from kappredict.config.catalogue import load_catalogue
from kappredict.data.simulation import load_parameters
from kappredict.estimators.encoder import Encoder
from kappredict.estimators.fit import fit_model
from kappredict.evaluation.metrics_binary import calibration_slope
from kappredict.evaluation.settings import read_settings

SIZES, TEST_EACH = (2_000,), 10_000
# Training studies: a slope is estimated to within 0.2 from one study, so several are averaged.
STUDIES = 2
SEED = 1
CATALOGUE, PARAMETERS = load_catalogue(None), load_parameters()
SETTINGS = read_settings("default")


def main() -> None:
    """Print the page."""
    print(__doc__)
    for outcome, judge in (("response", _response), ("relapse", _relapse)):
        test, other = (
            even_study(CATALOGUE, PARAMETERS, outcome, each=TEST_EACH, seed=SEED + 100 + one)
            for one in range(2)
        )
        for each in SIZES:
            train = [
                even_study(CATALOGUE, PARAMETERS, outcome, each=each, seed=SEED + one)
                for one in range(STUDIES)
            ]
            print(f"\n## {outcome.capitalize()} at baseline, {each:,} courses per condition\n")
            figure = "AUC" if outcome == "response" else "C"
            head = ("condition", "courses used", "chosen", f"true {figure}", "records at best")
            head += ("model", "model / true", "model / records", "calibration slope")
            rows = [_row(place, train, test, other, judge) for place in range(len(test.sets))]
            print(markdown(head, rows))
            sys.stdout.flush()


@dataclass(frozen=True)
class Judge:
    """How a task is judged against the truth.

    `best` is what the true model says of each course, `score` the figure of a ranking, `slope` the
    calibration slope of a fitted model on drawn outcomes.
    """

    best: Callable[[pd.DataFrame], np.ndarray]
    score: Callable[[pd.DataFrame, np.ndarray], float]
    outcome: Callable[[pd.DataFrame], np.ndarray]


DAY = 90.0
_response = Judge(
    best=lambda truth: logit(truth["p_response_baseline"].to_numpy()),
    score=lambda truth, said: expected_auc(said, truth["p_response_baseline"].to_numpy()),
    outcome=lambda truth: truth["response"].to_numpy(dtype=float),
)
_relapse = Judge(
    best=lambda truth: truth["survival_90"].to_numpy(),
    score=lambda truth, said: float(concordance_index(truth["relapse_day"], said)),
    outcome=lambda truth: (truth["relapse_day"] > DAY).to_numpy(dtype=float),
)


def _row(
    place: int, train: list[Simulated], test: Simulated, other: Simulated, judge: Judge
) -> list[object]:
    """Average the models chosen in several studies, beside the truth and the best of records."""
    truth, table = test.truth[place], test.sets[place].features
    records = judge.score(truth, _best_of_records(place, test, other, judge))
    true = judge.score(truth, judge.best(truth))
    scores, slopes, chosen = [], [], []
    for study in train:
        data = study.sets[place]
        candidates = SETTINGS.candidates(data.task)
        model = fit_model(data.all_rows, candidates, folds=SETTINGS.inner_folds, seed=SEED)
        margins = model.calibration.margin(model.margins(table))
        scores.append(judge.score(truth, margins))
        probability = model.calibration.at(margins, np.array([DAY]))[:, 0]
        outcome, ones = judge.outcome(truth), np.ones((1, len(truth)))
        slopes.append(calibration_slope(outcome, probability, ones)[0])
        chosen.append(model.candidate.model)
    score = float(np.mean(scores))
    n = np.mean([study.sets[place].target.n for study in train])
    figures = [true, records, score, score / true, score / records, float(np.mean(slopes))]
    names = [test.sets[place].task.condition.id, f"{n:.0f}", ", ".join(sorted(set(chosen)))]
    return [*names, *(f"{one:.3f}" for one in figures)]


def _best_of_records(place: int, test: Simulated, other: Simulated, judge: Judge) -> np.ndarray:
    """Fit trees to what the true model says of other courses: no outcome's noise, only records."""
    encoder = Encoder.fit(other.sets[place].features)
    rows = encoder.transform(other.sets[place].features)
    settings = {"max_depth": 4, "eta": 0.05, "objective": "reg:squarederror", "nthread": 2}
    best = xgboost.train(
        settings | {"seed": SEED},
        xgboost.DMatrix(rows, judge.best(other.truth[place])),
        num_boost_round=400,
    )
    tested = encoder.transform(test.sets[place].features)
    return np.asarray(best.predict(xgboost.DMatrix(tested)))


if __name__ == "__main__":
    main()
