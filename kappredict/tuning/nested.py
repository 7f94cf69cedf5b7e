"""What a search is worth: repeated inside every training fold, and judged on rows it never saw.

A search over all rows gives the settings to train with. Their loss in that search is too good: they
were chosen for it. So each fold of an outer scheme has a search of its own, with as many trials, on
its training rows alone; what that one finds competes, is fitted and calibrated there, and predicts
the test rows (Varma and Simon 2006). The settings' own candidates do the same on the same rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from joblib import Parallel, delayed

from kappredict.estimators.candidates import Candidate
from kappredict.estimators.fit import Contest, fit_model
from kappredict.evaluation.cross_validation import (
    MODEL,
    OutOfFold,
    assemble,
    days_of,
    fit_and_predict,
)
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.questions import judged_rows
from kappredict.evaluation.report import differences_of, metrics_of
from kappredict.evaluation.schemes import Plan, plan_schemes
from kappredict.evaluation.settings import TrainingSettings
from kappredict.tuning.plots import figures_of, trials_table
from kappredict.tuning.search import Search, done
from kappredict.tuning.storage import Trials


@dataclass(frozen=True)
class TaskSearches:
    """The searches of a task: over all rows, and over the training rows of each outer fold."""

    data: ModellingSet
    settings: TrainingSettings
    plan: Plan
    overall: Search
    nested: Mapping[str, tuple[Search, ...]]

    @classmethod
    def of(cls, data: ModellingSet, settings: TrainingSettings) -> "TaskSearches":
        """Lay out the searches of a task."""
        rows, task, candidates = data.all_rows, data.task.name, settings.candidates(data.task)
        outer = settings.model_copy(update={"schemes": settings.tuning.schemes})
        plan = plan_schemes(data, outer)
        nested = {
            scheme: tuple(
                Search(task, f"{scheme}-{number}", rows.take(fold.train), candidates, settings)
                for number, fold in enumerate(folds.folds, start=1)
            )
            for scheme, folds in plan.folds.items()
        }
        return cls(data, settings, plan, Search(task, "all", rows, candidates, settings), nested)

    @property
    def every(self) -> tuple[Search, ...]:
        """All of them, the one over all rows first."""
        return (self.overall, *(one for searches in self.nested.values() for one in searches))


@dataclass(frozen=True)
class SchemeGain:
    """Figures of the settings' own candidates and of the search, and what the search has more."""

    own: Mapping[str, Any]
    searched: Mapping[str, Any]
    gain: Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """What the search for a task found, and what it is worth.

    `finalists` compete wherever the task is trained; `contest` is how they did over all rows.
    `trials` has a row per trial of every search; `figures` are Optuna's, of the one over all rows.
    """

    task: str
    finalists: tuple[Candidate, ...]
    contest: Contest
    gains: Mapping[str, SchemeGain]
    trials: pd.DataFrame
    figures: Mapping[str, go.Figure]

    @property
    def winner(self) -> Candidate:
        """The finalist that won over all rows."""
        return self.contest.candidates[self.contest.winner]

    @property
    def measures(self) -> tuple[str, str]:
        """The names of the figures for telling outcomes apart, and of the loss that is searched."""
        figures = next(iter(self.gains.values())).own
        return ("c_index", "integrated_brier") if "c_index" in figures else ("auc", "log_loss")


def conclude(
    searches: TaskSearches,
    own: Mapping[str, Mapping[str, OutOfFold]],
    trials: Trials,
    *,
    synthetic: bool,
) -> Found:
    """Let the finalists of all searches compete, and compare them with the settings' own.

    Parameters
    ----------
    own
        Scheme → contender → out-of-fold predictions of the settings' own candidates.
    """
    overall, settings, data = searches.overall, searches.settings, searches.data
    finalists = overall.finalists(trials)
    model = fit_model(overall.rows, finalists, folds=settings.inner_folds, seed=settings.seed)
    gains = {
        scheme: _gain(data, _predict(searches, scheme, trials), own[scheme][MODEL], settings)
        for scheme in searches.nested
    }
    return Found(
        overall.task,
        finalists,
        model.contest,
        gains,
        pd.concat([trials_table(one.part, done(trials.of(one.name))) for one in searches.every]),
        figures_of(overall.study(trials), synthetic=synthetic),
    )


def _predict(searches: TaskSearches, scheme: str, trials: Trials) -> OutOfFold:
    """Predict each fold's test rows with what the search on its training rows found."""
    data, folds, days = searches.data, searches.plan.folds[scheme], days_of(searches.data)
    rows = data.all_rows
    work = (
        delayed(fit_and_predict)(
            MODEL, rows, search.finalists(trials), fold, days, searches.settings
        )
        for search, fold in zip(searches.nested[scheme], folds.folds, strict=True)
    )
    return assemble(folds, Parallel(n_jobs=-1)(work), len(data.target), days)


def _gain(
    data: ModellingSet, searched: OutOfFold, own: OutOfFold, settings: TrainingSettings
) -> SchemeGain:
    rows = judged_rows(data, own)
    return SchemeGain(
        metrics_of(data, own, rows, settings),
        metrics_of(data, searched, rows, settings),
        differences_of(data, (searched, own), rows, settings),
    )
