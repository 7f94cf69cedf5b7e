"""A small search with a known answer; as a program, one of several workers on it."""

import sys
from dataclasses import replace

from learning import response_rows

from kappredict.estimators.candidates import BoostedTrees, Candidate, Logistic
from kappredict.estimators.fit import Rows
from kappredict.estimators.targets import YesNo
from kappredict.evaluation.settings import (
    RandomSplits,
    Schemes,
    TrainingSettings,
    TuningSettings,
)
from kappredict.tuning.search import Search
from kappredict.tuning.storage import Trials

LOGISTIC = Logistic(model="logistic", inverse_penalty=0.01)
STUMPS = BoostedTrees(model="boosted_trees", depth=1, rounds=40)
TUNING = TuningSettings.model_validate(
    {
        "schemes": {"random_cv": {"folds": 2, "repeats": 1}},
        "spaces": {"boosted_trees": {"rounds": {"low": 20, "high": 60}}},
    }
)


def settings(seed: int = 1, tuning: TuningSettings = TUNING) -> TrainingSettings:
    """Give light settings."""
    return TrainingSettings(
        seed=seed,
        outcomes=("response",),
        landmarks=("baseline",),
        inner_folds=4,
        resamples=100,
        schemes=Schemes(random_cv=RandomSplits(folds=2, repeats=1)),
        response_candidates=(LOGISTIC, STUMPS),
        relapse_candidates=({"model": "weibull_aft"},),  # type: ignore[arg-type]
        tuning=tuning,
    )


def search(
    rows: Rows,
    candidates: tuple[Candidate, ...] = (LOGISTIC, STUMPS),
    chosen: TrainingSettings | None = None,
) -> Search:
    """Search on some rows."""
    return Search("any/response/baseline", "all", rows, candidates, chosen or settings())


def crossed_rows(rows: int = 900) -> Rows:
    """Courses that respond where two signs differ: no stump tells them apart."""
    drawn = response_rows(rows=rows)
    columns = drawn.features.frame.fillna(0.3)
    outcome = (columns["signal"] > 0) != (columns["noise"] > 0)
    return replace(drawn, target=YesNo(outcome.to_numpy(dtype=float)))


def nothing(done: int, best: float | None) -> None:
    """Be told, and say nothing."""


if __name__ == "__main__":
    place, budget = sys.argv[1:]
    one = search(response_rows(rows=800))
    one.work(Trials.at(place), int(budget), nothing)
