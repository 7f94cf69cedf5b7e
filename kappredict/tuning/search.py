"""One search: an Optuna study of the settings that suit some rows, judged in folds of these rows.

A trial is one candidate with its settings; its value is the loss by which candidates compete
in `kappredict.estimators.fit`. Any number of processes may work on a search; each trial is told to
the storage as it goes, so that a process that dies loses the trial it was at, and no more.
"""

import hashlib
import json
import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import optuna
import pandas as pd
from optuna.storages import fail_stale_trials
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from kappredict.estimators.candidates import Candidate
from kappredict.estimators.fit import EncodedFold, Rows, affordable, encoded_folds
from kappredict.estimators.space import Space
from kappredict.evaluation.settings import TrainingSettings
from kappredict.tuning.quiet import quiet
from kappredict.tuning.sampling import KIND, best_of, changed, parameters, suggest
from kappredict.tuning.storage import Trials

DONE = (TrialState.COMPLETE, TrialState.PRUNED)
TAKEN = (*DONE, TrialState.RUNNING)
_WORKER, _KNOWN = "worker", "known"


Told = Callable[[int, float | None], None]
"""Takes how many trials are done, and the least loss so far."""


class _SurplusError(Exception):
    """Another process took the last trial at the same moment."""


@dataclass(frozen=True)
class Search:
    """What is searched on, and how: `part` is `all`, or a fold whose test rows are kept out."""

    task: str
    part: str
    rows: Rows
    candidates: tuple[Candidate, ...]
    settings: TrainingSettings

    @property
    def label(self) -> str:
        """The task and the part."""
        return f"{self.task}/{self.part}"

    @cached_property
    def name(self) -> str:
        """The name of the Optuna study, with a digest of all that a trial's value depends on."""
        return f"{self.label}/{self._digest()[:12]}"

    @cached_property
    def kinds(self) -> dict[str, Candidate]:
        """The first candidate of each kind that the sample supports, from the simplest."""
        found: dict[str, Candidate] = {}
        for one in affordable(self.rows, self.candidates):
            found.setdefault(one.model, one)
        return found

    @cached_property
    def spaces(self) -> dict[str, Space]:
        """What is searched of each kind."""
        return {kind: self.settings.tuning.space(kind) for kind in self.kinds}

    @property
    def known(self) -> list[dict[str, object]]:
        """The parameters of the settings' own candidates that lie in the space: tried first."""
        return [
            parameters(one, self.spaces[one.model])
            for one in self.candidates
            if one.model in self.kinds
            and all(what.holds(getattr(one, name)) for name, what in self.spaces[one.model].items())
        ]

    def study(self, trials: Trials) -> Study:
        """Open the Optuna study, or make it."""
        return trials.study(self.name, self.settings.seed)

    def replaces_another(self, trials: Trials) -> bool:
        """Whether only trials of other data, settings or spaces are kept under the same label."""
        kept = {name for name in trials.names if name.rpartition("/")[0] == self.label}
        return bool(kept - {self.name}) and self.name not in kept

    def work(self, trials: Trials, budget: int, told: Told) -> None:
        """Work on the search until `budget` trials are done or in the hands of other processes."""
        study = self.study(trials)
        with quiet():
            give_up_dead(study, trials.silent_seconds)
            _tell(study, told)
            if len(taken(study)) >= budget:
                return
            objective = self._objective(study, budget)
            while len(taken(study)) < budget:
                self._put_known_first(study)
                study.optimize(objective, n_trials=1, catch=(_SurplusError,))
                _tell(study, told)

    def _objective(self, study: Study, budget: int) -> Callable[[Trial], float]:
        judge = _Judge.of(self)

        def value(trial: Trial) -> float:
            if sum(one.number < trial.number for one in taken(study)) >= budget:
                raise _SurplusError
            trial.set_user_attr(_WORKER, _this_worker())
            return judge.value(trial, suggest(trial, self.kinds, self.spaces))

        return value

    def finalists(self, trials: Trials) -> tuple[Candidate, ...]:
        """Give, of each kind, the best candidate and the simplest that ties with it.

        A tie is a paired difference by fold of at most one standard error (Breiman et al. 1984).
        They run from the simplest to the most complex, and compete as any candidates do.
        """
        complete = self.study(trials).get_trials(states=(TrialState.COMPLETE,))
        found: list[Candidate] = []
        for kind in self.kinds:
            own = [one for one in complete if one.params[KIND] == kind]
            if not own:
                continue
            least = _by_fold(best_of(own))
            ties = [one for one in own if _within_one_error(_by_fold(one) - least)]
            best = self.candidate(best_of(own))
            simplest = min(map(self.candidate, ties), key=lambda one: one.complexity)
            found += [simplest] if simplest == best else [simplest, best]
        return tuple(found)

    def candidate(self, trial: FrozenTrial) -> Candidate:
        """Give the candidate that a trial tried."""
        kind = trial.params[KIND]
        return changed(
            self.kinds[kind], {name: trial.params[f"{kind}.{name}"] for name in self.spaces[kind]}
        )

    def _put_known_first(self, study: Study) -> None:
        """Queue the first of the settings' own candidates that was not tried yet."""
        trials = study.get_trials(deepcopy=False)
        tried = {one.user_attrs.get(_KNOWN) for one in trials if one.state != TrialState.FAIL}
        for number, one in enumerate(self.known):
            if number not in tried:
                study.enqueue_trial(one, user_attrs={_KNOWN: number})
                return

    def _digest(self) -> str:
        found = hashlib.sha256()
        rows = self.rows
        for frame in (rows.features.frame, rows.context.frame):
            found.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
        for values in (rows.target.fitted_on, rows.target.strata, rows.condition):
            found.update(np.ascontiguousarray(values).tobytes())
        for names in (rows.patients, rows.studies):
            found.update(pd.util.hash_array(names).tobytes())
        choices = {
            "candidates": [one.model_dump(mode="json") for one in self.candidates],
            "spaces": {
                kind: {name: one.model_dump() for name, one in space.items()}
                for kind, space in self.spaces.items()
            },
            "folds": self.settings.inner_folds,
            "seed": self.settings.seed,
        }
        found.update(json.dumps(choices, sort_keys=True).encode())
        return found.hexdigest()


@dataclass(frozen=True)
class _Judge:
    """The folds of a search, encoded once for all of its trials."""

    rows: Rows
    weights: np.ndarray
    folds: Sequence[EncodedFold]
    seed: int

    @classmethod
    def of(cls, search: Search) -> "_Judge":
        settings, weights = search.settings, search.rows.weights
        folds = encoded_folds(search.rows, weights, settings.inner_folds, settings.seed)
        return cls(search.rows, weights, list(folds), settings.seed)

    def value(self, trial: Trial, candidate: Candidate) -> float:
        """Give the loss of a candidate out of fold, unless it is clearly behind before the end."""
        margins = np.full(len(self.rows.target), np.nan)
        for step, fold in enumerate(self.folds):
            try:
                margins[fold.test] = fold.margins(candidate, self.seed)
            except np.linalg.LinAlgError as error:
                raise optuna.TrialPruned(f"cannot be fitted: {error}") from error
            trial.report(self.loss(margins, fold.test), step)
            if step + 1 < len(self.folds) and trial.should_prune():
                raise optuna.TrialPruned
        return self.loss(margins, self.rows.judged)

    def loss(self, margins: np.ndarray, tested: np.ndarray) -> float:
        """Give the mean loss of some rows, calibrated on themselves, as in a competition."""
        target, weights = self.rows.target.take(tested), self.weights[tested]
        calibration = target.calibrate(margins[tested], weights)
        losses = target.losses(calibration, margins[tested])  # type: ignore[arg-type]  # its own calibration
        return float(np.average(losses, weights=weights))


def _tell(study: Study, told: Told) -> None:
    found = done(study)
    complete = [one.value for one in found if one.value is not None]
    told(len(found), min(complete, default=None))


def taken(study: Study) -> list[FrozenTrial]:
    """Give the trials that are done or being worked on."""
    return study.get_trials(deepcopy=False, states=TAKEN)


def done(study: Study) -> list[FrozenTrial]:
    """Give the trials that ran to their end or were given up as clearly behind."""
    return study.get_trials(deepcopy=False, states=DONE)


def running(study: Study) -> list[FrozenTrial]:
    """Give the trials that are being worked on."""
    return study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))


def give_up_dead(study: Study, silent_seconds: int) -> None:
    """Fail the running trials of dead workers, so that they count no more.

    A worker of this machine is dead if its process is; one of another machine, if it was silent for
    too long; and one that never said who it is died as it began.
    """
    fail_stale_trials(study)
    for trial in running(study):
        host, _, process = trial.user_attrs.get(_WORKER, "").partition("/")
        begun = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
        never_said = not host and time.time() - begun > silent_seconds
        if never_said or (host == socket.gethostname() and not _lives(int(process))):
            study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)


def _this_worker() -> str:
    return f"{socket.gethostname()}/{os.getpid()}"


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody else's
        return True
    return True


def _by_fold(trial: FrozenTrial) -> np.ndarray:
    return np.array([trial.intermediate_values[step] for step in sorted(trial.intermediate_values)])


def _within_one_error(worse: np.ndarray) -> bool:
    """Whether a paired difference by fold is at most one standard error above none."""
    return bool(worse.mean() <= worse.std(ddof=1) / np.sqrt(len(worse)))
