"""Backtest: replay a study by its dates, one retraining after the other, as each would have been.

At each date training sees the study as it stood then. Its challenger meets the champion of that
day in the gate, and both are then asked about the courses that began until the next date.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from kappredict.config.catalogue import Catalogue
from kappredict.data.as_of import as_of, began_on, require_dates
from kappredict.data.study import Study
from kappredict.evaluation.contenders import Contender
from kappredict.evaluation.cross_validation import cross_validate
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.external import Asked, ask
from kappredict.evaluation.gate import Verdict, judge
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.replay import (
    begun_between,
    discrimination_on,
    followed,
    retraining_dates,
)
from kappredict.evaluation.report import evaluate
from kappredict.evaluation.result_tables import prediction_table
from kappredict.evaluation.schemes import plan_schemes
from kappredict.evaluation.settings import TrainingSettings
from kappredict.evaluation.training import train_bundle
from pipelines.console import progress
from pipelines.train import modelling_sets, read_study

_DAY = pd.Timedelta(days=1)
GATED, NEWEST, FIRST = "as the gate decided", "always the newest", "the first one for ever"


@dataclass(frozen=True)
class Step:
    """One retraining of one task: what was known, the verdict, and how the next courses went.

    `n` and `events` were known on the date; `later` and `later_events` are the courses that began
    until the next one, of which `challenger` and `champion` (that of before the verdict) are AUC
    or C.
    """

    date: str
    task: str
    n: int
    events: int
    verdict: Verdict
    later: int
    later_events: int
    challenger: Estimate
    champion: Estimate


@dataclass(frozen=True)
class Backtest:
    """All steps, which tasks could not be modelled on which date, and each policy's worth.

    `policies` has for each task the AUC or C over all courses that began once the gate had let a
    first champion through, had the newest model served in each period, or the first for ever.
    """

    study: str
    synthetic: bool
    steps: list[Step]
    not_modelled: list[tuple[str, str, str]]
    policies: dict[str, dict[str, Estimate]]


@dataclass(frozen=True)
class _Model:
    """A model that was trained on a date, with what it says of the whole study.

    `rows` are the courses that began between that date and the next, of known outcome.
    """

    date: pd.Timestamp
    contender: Contender
    asked: Asked
    rows: np.ndarray


@dataclass(frozen=True)
class _Replay:
    """A study, and how it is trained on."""

    study: Study
    catalogue: Catalogue
    settings: TrainingSettings
    conditions: Sequence[str]


def backtest(
    conditions: Sequence[str],
    folder: Path,
    settings: TrainingSettings,
    months: int,
    *,
    own_configs: Path | None = None,
) -> Backtest:
    """Retrain on the study as it stood on the first of every so many months.

    Raises
    ------
    DataError
        If the study has no enrolment dates.
    """
    study, catalogue = read_study(folder, own_configs)
    require_dates(study)
    replay = _Replay(study, catalogue, settings, conditions)
    began = began_on(study)
    dates = retraining_dates(began, months)
    by_task: dict[str, list[_Model]] = defaultdict(list)
    not_modelled: list[tuple[str, str, str]] = []
    with progress("replaying") as advance:
        for number, (date, until) in enumerate(pairwise([*dates, began.max() + _DAY]), start=1):
            usable, refused = modelling_sets(conditions, as_of(study, date), catalogue, settings)
            not_modelled += [(str(date.date()), one.task, one.reason) for one in refused]
            for contender in _trained(replay, usable, date):
                asked = ask(contender.bundle, study)
                rows = begun_between(asked, began, date, until)
                by_task[asked.bundle.task.name].append(_Model(date, contender, asked, rows))
            advance(number, len(dates))
    steps, policies = [], {}
    for task, models in by_task.items():
        told, policies[task] = _careers(replay, models)
        steps += told
    return Backtest(study.definition.id, study.definition.synthetic, steps, not_modelled, policies)


def _trained(replay: _Replay, usable: list[ModellingSet], date: pd.Timestamp) -> list[Contender]:
    """Train some tasks on what was known on a date."""
    settings, known = replay.settings, as_of(replay.study, date)
    plans = [plan_schemes(one, settings) for one in usable]
    folds = [plan.folds for plan in plans]
    found = []
    for data, plan, predicted in zip(
        usable, plans, cross_validate(usable, folds, settings, lambda *_: None), strict=True
    ):
        report = evaluate(data, predicted, plan.not_run, settings)
        bundle = train_bundle(data, report, known, replay.catalogue, settings)
        learnt = data.features.frame.rename_axis("row").reset_index()
        found.append(Contender(bundle, learnt, prediction_table(data, predicted)))
    return found


def _careers(replay: _Replay, models: list[_Model]) -> tuple[list[Step], dict[str, Estimate]]:
    """Let the models of one task meet in the gate one after the other, and follow who serves."""
    steps: list[Step] = []
    champion: _Model | None = None
    served: dict[str, list[tuple[Asked, np.ndarray]]] = {GATED: [], NEWEST: [], FIRST: []}
    first: _Model | None = None
    for model in models:
        steps.append(_step(replay, model, champion))
        if steps[-1].verdict.passed:
            champion = model
            first = first or model
        if champion is not None and first is not None:
            for policy, one in ((GATED, champion), (NEWEST, model), (FIRST, first)):
                served[policy].append((one.asked, model.rows))
    return steps, {policy: followed(one, replay.settings) for policy, one in served.items()}


def _step(replay: _Replay, model: _Model, champion: _Model | None) -> Step:
    known, settings = as_of(replay.study, model.date), replay.settings
    against = None if champion is None else champion.contender
    later = model.asked.data.target.take(model.rows)
    made = model.contender.bundle.recipe.provenance
    return Step(
        date=str(model.date.date()),
        task=model.asked.bundle.task.name,
        n=made.n,
        events=made.events,
        verdict=judge(model.contender, against, known, settings),
        later=later.n,
        later_events=later.events,
        challenger=discrimination_on(model.asked, model.rows, settings),
        champion=_on_rows(champion, model.rows, settings),
    )


def _on_rows(model: _Model | None, rows: np.ndarray, settings: TrainingSettings) -> Estimate:
    if model is None:
        return Estimate(np.nan, np.nan, np.nan)
    return discrimination_on(model.asked, rows, settings)
