"""One search: an Optuna study of the settings that suit some rows, judged in folds of these rows.

A trial is one candidate with its settings; its value is the loss by which candidates compete
in `kappredict.estimators.fit`. Any number of processes may work on a search: each says which trial
it begins, and what came of it. One that is killed loses the trial it was at, and no more.
"""

import hashlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from kappredict.estimators.candidates import Candidate
from kappredict.estimators.fit import EncodedFold, Rows, affordable, encoded_folds
from kappredict.estimators.space import Space
from kappredict.evaluation.settings import TrainingSettings
from kappredict.tuning.quiet import quiet
from kappredict.tuning.sampling import (
    KIND,
    best_of,
    changed,
    clearly_behind,
    complete,
    draw,
    parameters,
)
from kappredict.tuning.storage import Kept, Trials

_WORKER, _KNOWN = "worker", "known"
Told = Callable[[int, float | None], None]
"""Takes how many trials are done, and the least loss so far."""


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

    def replaces_another(self, trials: Trials) -> bool:
        """Whether only trials of other data, settings or spaces are kept under the same label."""
        kept = {name for name in trials.names if name.rpartition("/")[0] == self.label}
        return bool(kept) and self.name not in kept

    def work(self, trials: Trials, budget: int, told: Told) -> None:
        """Work on the search until `budget` trials are done or in the hands of other processes."""
        kept = trials.of(self.name)
        give_up_dead(kept, self.settings.tuning.longest_seconds)
        if len(found := kept.trials) < budget:
            judge = _Judge.of(self)
            while len(found) < budget:
                self._try_one(kept, found, budget, judge)
                found = kept.trials
                _tell(found, told)
        _tell(found, told)

    def _try_one(
        self, kept: Kept, found: Sequence[FrozenTrial], budget: int, judge: "_Judge"
    ) -> None:
        """Draw a trial, judge it and keep what came of it."""
        tried = {one.user_attrs.get(_KNOWN) for one in found}
        untried = next((one for one in range(len(self.known)) if one not in tried), None)
        known = None if untried is None else self.known[untried]
        trial = draw(found, self.kinds, self.spaces, self.settings.seed, known)
        trial.user_attrs |= {_WORKER: _this_worker(), _KNOWN: untried}
        number = kept.begin(trial)
        with _failing_when_stopped(kept, number):
            before = [one for one in kept.trials if one.number < number]
            if len(before) >= budget:  # another process took the last one at the same moment
                kept.end(number, TrialState.FAIL, {}, None)
                return
            ended = complete(before)
            best = best_of(ended).intermediate_values if ended else None
            losses, value = judge.losses(self.candidate(trial), best)
            state = TrialState.PRUNED if value is None else TrialState.COMPLETE
            kept.end(number, state, losses, value)

    def finalists(self, trials: Trials) -> tuple[Candidate, ...]:
        """Give, of each kind, the best candidate and the simplest that ties with it.

        A tie is a paired difference by fold of at most one standard error (Breiman et al. 1984).
        They run from the simplest to the most complex, and compete as any candidates do.
        """
        ended = complete(trials.of(self.name).trials)
        found: list[Candidate] = []
        for kind in self.kinds:
            own = [one for one in ended if one.params[KIND] == kind]
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
        values = {name: trial.params[f"{kind}.{name}"] for name in self.spaces[kind]}
        return changed(self.kinds[kind], values)

    def study(self, trials: Trials) -> optuna.Study:
        """Give the trials that are done as an Optuna study in memory, for its figures."""
        with quiet():
            study = optuna.create_study()
        study.add_trials(done(trials.of(self.name)))
        return study

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

    def losses(
        self, candidate: Candidate, best: dict[int, float] | None
    ) -> tuple[dict[int, float], float | None]:
        """Give a candidate's loss by fold, and over all; none if it was given up as behind."""
        margins = np.full(len(self.rows.target), np.nan)
        by_fold: dict[int, float] = {}
        for step, fold in enumerate(self.folds):
            try:
                margins[fold.test] = fold.margins(candidate, self.seed)
            except np.linalg.LinAlgError:  # at the edge of a space a fit may not exist
                return by_fold, None
            by_fold[step] = self._loss(margins, fold.test)
            ended = step + 1 == len(self.folds)
            if not ended and best is not None and clearly_behind(by_fold, best):
                return by_fold, None
        return by_fold, self._loss(margins, self.rows.judged)

    def _loss(self, margins: np.ndarray, tested: np.ndarray) -> float:
        """Give the mean loss of some rows, calibrated on themselves, as in a competition."""
        target, weights = self.rows.target.take(tested), self.weights[tested]
        calibration = target.calibrate(margins[tested], weights)
        losses = target.losses(calibration, margins[tested])  # type: ignore[arg-type]  # its own calibration
        return float(np.average(losses, weights=weights))


def done(kept: Kept) -> list[FrozenTrial]:
    """Give the trials that ran to their end or were given up as clearly behind."""
    return [one for one in kept.trials if one.state != TrialState.RUNNING]


def running(kept: Kept) -> list[FrozenTrial]:
    """Give the trials that are being worked on."""
    return [one for one in kept.trials if one.state == TrialState.RUNNING]


def give_up_dead(kept: Kept, longest_seconds: float) -> None:
    """Fail the running trials of dead workers, so that they count no more.

    A worker of this machine is dead if its process is; one of another machine, if its trial has
    been running for longer than any should.
    """
    for trial in running(kept):
        host, _, process = trial.user_attrs[_WORKER].partition("/")
        begun = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
        here = host == socket.gethostname()
        if not _lives(int(process)) if here else time.time() - begun > longest_seconds:
            kept.end(trial.number, TrialState.FAIL, {}, None)


@contextmanager
def _failing_when_stopped(kept: Kept, number: int) -> Iterator[None]:
    """Give a trial up that ends in an exception: it is tried again when the search goes on."""
    try:
        yield
    except BaseException:
        kept.end(number, TrialState.FAIL, {}, None)
        raise


def _tell(found: Sequence[FrozenTrial], told: Told) -> None:
    losses = [one.value for one in complete(found) if one.value is not None]
    told(sum(one.state.is_finished() for one in found), min(losses, default=None))


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
