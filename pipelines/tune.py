"""Tune: search for good settings of some conditions' tasks, and say what the search is worth."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from kappredict.config.catalogue import load_catalogue
from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.data.validation import load_study
from kappredict.errors import RefusedError, StoppedError
from kappredict.evaluation.cross_validation import cross_validate
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.settings import TrainingSettings, Tuned
from kappredict.evaluation.task_sets import task_sets
from kappredict.tracking.store import Store
from kappredict.tuning.nested import Found, TaskSearches, conclude
from kappredict.tuning.search import done, running
from kappredict.tuning.storage import Trials, faults_told
from pipelines.console import messages, progress


@dataclass(frozen=True)
class Budget:
    """How many trials each search has, and where they are kept: a folder or a URL."""

    trials: int
    storage: str


@dataclass(frozen=True)
class Tuning:
    """What the searches found, and the settings to train with; nothing while others still work.

    `elsewhere` counts the trials that other processes are still at: the last to end concludes.
    """

    study: Study
    found: list[Found]
    settings: TrainingSettings
    elsewhere: int


def tune(
    conditions: Sequence[str],
    folder: Path,
    settings: TrainingSettings,
    budget: Budget,
    store: Store,
    *,
    own_configs: Path | None = None,
) -> Tuning:
    """Search for the settings of all tasks of some conditions (or of `all` that the study has)."""
    catalogue = load_catalogue(own_configs)
    study = load_study(folder, catalogue)
    catalogue = catalogue.for_study(study.definition)
    study = with_totals(study, catalogue.instruments)
    usable, too_small = task_sets(study, catalogue, conditions, settings)
    for _, error in too_small:
        messages.print(f"Not tuned: {error}")
    if not usable:
        raise RefusedError("there is no task to tune")
    settings = settings.without_tuned([one.task for one in usable])
    planned = [TaskSearches.of(one, settings) for one in usable]
    with _stoppable(), faults_told(), closing(Trials.at(budget.storage)) as trials:
        _say_plan(planned, trials, budget)
        _search(planned, trials, budget)
        if elsewhere := sum(
            len(running(trials.of(one.name))) for task in planned for one in task.every
        ):
            return Tuning(study, [], settings, elsewhere)
        found = _conclude(planned, trials, study)
    settings = settings.with_tuned({one.task: _tuned(one, study, budget) for one in found})
    _log(found, settings, study, store)
    return Tuning(study, found, settings, 0)


def _say_plan(planned: Sequence[TaskSearches], trials: Trials, budget: Budget) -> None:
    """Say how much work it is, what was done of it before, and where it is kept."""
    searches = [one for task in planned for one in task.every]
    nested = len(planned[0].every) - 1
    folds = planned[0].settings.inner_folds
    messages.print(
        f"{len(planned)} tasks, each searched over all its courses and in {nested} training folds: "
        f"{len(searches)} searches of {budget.trials} trials, each of up to {folds} fits. "
        f"Trials: {trials.shown}"
    )
    for one in (task.overall for task in planned):
        if one.replaces_another(trials):
            messages.print(
                f"{one.label}: the trials kept there so far are of other data, settings or spaces; "
                f"this is a new search beside them."
            )
    if before := sum(len(done(trials.of(one.name))) for one in searches):
        messages.print(f"Going on from {before} trials.")


def _search(planned: Sequence[TaskSearches], trials: Trials, budget: Budget) -> None:
    searches = [one for task in planned for one in task.every]
    counts = {one.name: min(len(done(trials.of(one.name))), budget.trials) for one in searches}
    with progress("searching") as advance:
        for search in searches:

            def told(done: int, best: float | None, name: str = search.name) -> None:
                counts[name] = min(done, budget.trials)
                loss = "" if best is None else f", best loss {best:.4f}"
                label = name.rpartition("/")[0]
                advance(sum(counts.values()), budget.trials * len(searches), f"{label}{loss}")

            search.work(trials, budget.trials, told)


def _conclude(planned: Sequence[TaskSearches], trials: Trials, study: Study) -> list[Found]:
    """Cross-validate the settings' own candidates on the same folds, and compare."""
    data, folds = [one.data for one in planned], [one.plan.folds for one in planned]
    with progress("comparing with the settings as they were") as advance:
        own = cross_validate(data, folds, planned[0].settings, advance)
    found: list[Found] = []
    with progress("concluding") as advance:
        for task, predictions in zip(planned, own, strict=True):
            advance(len(found), len(planned), task.data.task.name)
            found.append(conclude(task, predictions, trials, synthetic=study.definition.synthetic))
    return found


def _tuned(found: Found, study: Study, budget: Budget) -> Tuned:
    return Tuned(
        candidates=found.finalists,
        data_digest=study.digest,
        trials=budget.trials,
        nested={
            scheme: _words(found.measures[0], gain.searched[found.measures[0]])
            for scheme, gain in found.gains.items()
        },
    )


def _words(figure: str, estimate: Estimate) -> str:
    return f"{figure} {estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _log(found: Sequence[Found], settings: TrainingSettings, study: Study, store: Store) -> None:
    """Keep what was found in MLflow: a run, and one inside it for each task."""
    synthetic = study.definition.synthetic
    tags = {
        "study": study.definition.id,
        "data_digest": study.digest,
        "synthetic": str(synthetic),
    }
    with store.run(f"tune {study.definition.id}", tags):
        for one in found:
            with store.run(f"tune {one.task}", tags):
                store.log(
                    {
                        "winner": one.winner.model_dump(mode="json"),
                        "tuning": settings.tuning.model_dump(mode="json"),
                    },
                    {scheme: vars(gain) for scheme, gain in one.gains.items()},
                    {
                        "trials.csv": one.trials.to_csv(index=False),
                        "tuned.yaml": yaml.safe_dump(
                            settings.tuned[one.task].model_dump(mode="json"), sort_keys=False
                        ),
                    },
                    one.figures,
                )


@contextmanager
def _stoppable() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as stop:
        raise StoppedError("stopped; the same command goes on from here") from stop
