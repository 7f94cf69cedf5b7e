"""Promote: a challenger through the gate, beside the champion on the same courses; or roll back."""

from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Any

import pandas as pd

from kappredict.config.catalogue import load_catalogue
from kappredict.data.study import Study
from kappredict.data.validation import load_study
from kappredict.errors import UsageError
from kappredict.estimators.bundle import ModelBundle, digest, load_bundle
from kappredict.evaluation.contenders import Contender
from kappredict.evaluation.gate import judge
from kappredict.evaluation.settings import TrainingSettings
from kappredict.reporting.findings import TABLES
from kappredict.tracking.registry import Decision, Registry
from kappredict.tracking.store import CHALLENGER, CHAMPION, Registered, Store

Content = dict[str, Any]
"""A verdict as it is written down: see `decide`."""


def promote(
    model: str,
    folder: Path,
    settings: TrainingSettings,
    store: Store,
    *,
    own_configs: Path | None = None,
) -> Content:
    """Judge a task's challenger on a study folder, write the verdict down, and let it serve.

    Raises
    ------
    UsageError
        If the store has no such challenger.
    RefusedError
        If the champion changed while the two were compared.
    """
    task, _, alias = model.partition("@")
    challenger = Registry(store).holder(task, alias or CHALLENGER)
    if challenger is None:
        raise UsageError(_nothing_to_promote(task, store))
    study = load_study(folder, load_catalogue(own_configs))
    return decide(task, challenger, study, settings, store)


def decide(
    task: str, challenger: Registered, study: Study, settings: TrainingSettings, store: Store
) -> Content:
    """Judge one version beside the champion, write the verdict down, and let it serve if it may.

    Returns
    -------
    The verdict, with the version that it is about, the version it was reached against, the data
    that each was trained on, when and by whom.
    """
    registry = Registry(store)
    champion = registry.holder(task, CHAMPION)
    if champion is not None and champion.version == challenger.version:
        registry.confirm(challenger)
        return registry.verdict(challenger)
    mine = contender(challenger, store)
    theirs = None if champion is None else contender(champion, store)
    verdict = judge(mine, theirs, study, settings)
    against = None if champion is None else champion.version
    content = {
        **verdict.to_json(),
        "version": challenger.version,
        "against": against,
        "data": _data(mine.bundle),
        "data_before": None if theirs is None else _data(theirs.bundle),
    }
    reasons = verdict.objections or (verdict.compared,)
    by = Decision(verdict.passed, reasons, content, against, verdict.rows, _now(), _user())
    registry.decide(challenger, by)
    return registry.verdict(challenger)


def roll_back(model: str, store: Store) -> tuple[Registered, bool]:
    """Let the champion before the present one serve again; says which serves, and if that is new.

    Raises
    ------
    UsageError
        If nothing of that name serves.
    """
    task, _, _ = model.partition("@")
    serves, changed = Registry(store).roll_back(task, _now())
    if serves is None:
        raise UsageError(f"no version of {task} serves in {store.uri}: there is nothing to undo")
    return serves, changed


def put_on_the_shelf(task: str, models: Path, store: Store) -> bool:
    """Write the champion's bundle into a served folder; nothing is done where it is there."""
    champion = store.bundle_folder(f"{task}@{CHAMPION}")
    place = models / task
    if place.is_dir() and digest(place) == digest(champion):
        return False
    load_bundle(champion).save(place)
    return True


def contender(one: Registered, store: Store) -> Contender:
    """Fetch a registered model with what its training left."""
    folder = store.bundle_of_version(one)
    findings = store.findings(folder)
    learnt, predictions = (
        pd.read_parquet(findings / TABLES / f"{name}.parquet")
        for name in ("features", "predictions")
    )
    return Contender(load_bundle(folder), learnt, predictions)


def _data(bundle: ModelBundle) -> Content:
    made = bundle.recipe.provenance
    return {
        "study": made.trained_on,
        "digest": made.data_digest,
        "n": made.n,
        "events": made.events,
        "estimator": made.candidate["model"],
    }


def _nothing_to_promote(task: str, store: Store) -> str:
    serves = Registry(store).holder(task, CHAMPION)
    words = f"version {serves.version} serves" if serves else "and no champion either"
    return f"{task} has no challenger in {store.uri} ({words}); train one"


def _user() -> str:
    try:
        return getuser()
    except (KeyError, OSError):  # a container may run as a number that nobody has
        return "not known"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
