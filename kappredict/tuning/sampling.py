"""What trial is run next, and which is given up early."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState
from scipy.stats import ttest_rel

from kappredict.estimators.candidates import KINDS, Candidate
from kappredict.estimators.space import Choices, Range, Space

KIND = "model"


class RepeatableSampler(BaseSampler):
    """Tree-structured Parzen estimators (Bergstra et al. 2011), drawn afresh for every trial.

    What is drawn depends on the seed, the place of the trial among those that did not fail, and
    the trials before it: a search that was stopped goes on as if it had not been.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._draw = TPESampler(seed=seed, group=True)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Start again from the seed and the trial's place."""
        place = sum(
            one.number < trial.number and one.state != TrialState.FAIL
            for one in study.get_trials(deepcopy=False)
        )
        seed = np.random.SeedSequence((self._seed, place)).generate_state(1)[0]
        # Kinds have settings of their own; each kind's are drawn together.
        self._draw = TPESampler(seed=int(seed), group=True)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._draw.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._draw.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return self._draw.sample_independent(study, trial, param_name, param_distribution)


class ClearlyBehind(BasePruner):
    """Give a trial up once it is behind the best one in a paired t-test over the folds so far.

    Optuna's own pruners do not fit a handful of folds: its median compares a trial's best fold with
    others' latest, and five folds give a Wilcoxon test nothing to say before the fifth. One that
    ties with the best is let run: it may be the simpler.
    """

    def __init__(self, level: float = 0.05) -> None:
        self._level = level

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Compare with the best complete trial on the folds that both have."""
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(trial.intermediate_values) < 2 or not complete:
            return False
        best = best_of(complete).intermediate_values
        folds = sorted(trial.intermediate_values)
        mine, theirs = ([of[fold] for fold in folds] for of in (trial.intermediate_values, best))
        if np.ptp(np.subtract(mine, theirs)) == 0:
            return mine[0] > theirs[0]
        return bool(ttest_rel(mine, theirs, alternative="greater").pvalue < self._level)


def best_of(complete: Sequence[FrozenTrial]) -> FrozenTrial:
    """Give the trial with the least loss."""
    return min(complete, key=lambda one: one.value or 0.0)


def suggest(trial: Trial, kinds: dict[str, Candidate], spaces: dict[str, Space]) -> Candidate:
    """Draw a kind of candidate, and those of its settings that are searched."""
    kind = trial.suggest_categorical(KIND, list(kinds))
    drawn = {name: _draw(trial, kind, name, one) for name, one in spaces[kind].items()}
    return changed(kinds[kind], drawn)


def changed(candidate: Candidate, values: dict[str, Any]) -> Candidate:
    """Give a candidate with some of its settings changed, checked as if read from a file."""
    return type(candidate).model_validate(candidate.model_dump() | values)


def parameters(candidate: Candidate, space: Space) -> dict[str, Any]:
    """Give a candidate as the parameters of a trial."""
    kind = candidate.model
    return {KIND: kind} | {f"{kind}.{name}": getattr(candidate, name) for name in space}


def _draw(trial: Trial, kind: str, name: str, one: Range | Choices) -> Any:
    full = f"{kind}.{name}"
    whole = KINDS[kind].model_fields[name].annotation is int
    match one:
        case Choices(choices=choices):
            return trial.suggest_categorical(full, [int(c) if whole else c for c in choices])
        case Range(low=low, high=high, log=log) if whole:
            return trial.suggest_int(full, int(low), int(high), log=log)
        case Range(low=low, high=high, log=log):
            return trial.suggest_float(full, low, high, log=log)
