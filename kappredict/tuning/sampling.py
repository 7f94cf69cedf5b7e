"""What is tried next, and what is given up early."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState
from scipy.stats import ttest_rel

from kappredict.estimators.candidates import KINDS, Candidate
from kappredict.estimators.space import Choices, Range, Space
from kappredict.tuning.quiet import quiet

KIND = "model"
_LEVEL = 0.05


def draw(
    kept: Sequence[FrozenTrial],
    kinds: Mapping[str, Candidate],
    spaces: Mapping[str, Space],
    seed: int,
    known: Mapping[str, Any] | None,
) -> FrozenTrial:
    """Draw the settings of the next trial by Parzen estimators in a tree (Bergstra et al. 2011).

    They depend on the seed and the trials so far, and on nothing else: a search that was stopped
    goes on as if it had not been.

    Parameters
    ----------
    kept
        The trials so far, those that others are at among them, which keeps workers apart.
    known
        The settings to take instead, if any.
    """
    place = np.random.SeedSequence((seed, len(kept))).generate_state(1)[0]
    with quiet():
        # Kinds have settings of their own; each kind's are drawn together.
        study = optuna.create_study(sampler=TPESampler(seed=int(place), group=True))
        study.add_trials(kept)
        if known is not None:
            study.enqueue_trial(dict(known))
        trial = study.ask()
        kind = trial.suggest_categorical(KIND, list(kinds))
        for name, one in spaces[kind].items():
            _suggest(trial, kind, name, one)
    return study.get_trials(deepcopy=False)[-1]


def _suggest(trial: Trial, kind: str, name: str, one: Range | Choices) -> None:
    full = f"{kind}.{name}"
    whole = KINDS[kind].model_fields[name].annotation is int
    match one:
        case Choices(choices=choices):
            trial.suggest_categorical(full, [int(c) if whole else c for c in choices])
        case Range(low=low, high=high, log=log) if whole:
            trial.suggest_int(full, int(low), int(high), log=log)
        case Range(low=low, high=high, log=log):
            trial.suggest_float(full, low, high, log=log)


def parameters(candidate: Candidate, space: Space) -> dict[str, Any]:
    """Give a candidate as the parameters of a trial."""
    kind = candidate.model
    return {KIND: kind} | {f"{kind}.{name}": getattr(candidate, name) for name in space}


def changed(candidate: Candidate, values: Mapping[str, Any]) -> Candidate:
    """Give a candidate with some of its settings changed, checked as if read from a file."""
    return type(candidate).model_validate({**candidate.model_dump(), **values})


def complete(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Give the trials that have a loss."""
    return [one for one in trials if one.state == TrialState.COMPLETE]


def best_of(trials: Sequence[FrozenTrial]) -> FrozenTrial:
    """Give the trial with the least loss, of some that have one."""
    return min(trials, key=lambda one: one.value or 0.0)


def clearly_behind(losses: Mapping[int, float], best: Mapping[int, float]) -> bool:
    """Whether a trial is behind the best one in a paired t-test over the folds so far.

    Optuna's own pruners do not fit a handful of folds: its median compares a trial's best fold with
    others' latest, and five folds give a Wilcoxon test nothing to say before the fifth. One that
    ties with the best is let run: it may be the simpler.
    """
    if len(losses) < 2:
        return False
    mine, theirs = ([of[fold] for fold in losses] for of in (losses, best))
    if np.ptp(np.subtract(mine, theirs)) == 0:
        return mine[0] > theirs[0]
    return bool(ttest_rel(mine, theirs, alternative="greater").pvalue < _LEVEL)
