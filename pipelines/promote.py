"""Promote: a challenger through the gate, beside the champion on the same courses; or roll back."""

from dataclasses import dataclass
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path

import pandas as pd

from kappredict.config.catalogue import load_catalogue
from kappredict.data.study import Study
from kappredict.data.validation import load_study
from kappredict.errors import UsageError
from kappredict.estimators.bundle import digest, load_bundle
from kappredict.evaluation.contenders import Contender
from kappredict.evaluation.gate import Verdict, judge
from kappredict.evaluation.settings import TrainingSettings
from kappredict.reporting.findings import TABLES
from kappredict.tracking.registry import Decision, Registry
from kappredict.tracking.store import CHALLENGER, CHAMPION, Registered, Store


@dataclass(frozen=True)
class Promotion:
    """A verdict, the version that it is about, and the one that serves now."""

    verdict: Verdict
    version: int
    serves: int | None


def promote(
    model: str,
    folder: Path,
    settings: TrainingSettings,
    store: Store,
    *,
    own_configs: Path | None = None,
) -> Promotion:
    """Judge a task's challenger on a study folder, write the verdict down, and let it serve.

    Raises
    ------
    UsageError
        If the store has no such challenger.
    RefusedError
        If the champion changed while the two were compared.
    """
    task, _, alias = model.partition("@")
    registry = Registry(store)
    challenger = registry.holder(task, alias or CHALLENGER)
    if challenger is None:
        raise UsageError(_nothing_to_promote(task, registry))
    return decide(
        task, challenger, load_study(folder, load_catalogue(own_configs)), settings, store
    )


def decide(
    task: str, challenger: Registered, study: Study, settings: TrainingSettings, store: Store
) -> Promotion:
    """Judge one version beside the champion, write the verdict down, and let it serve if it may."""
    registry = Registry(store)
    champion = registry.holder(task, CHAMPION)
    if champion is not None and champion.version == challenger.version:
        return Promotion(
            Verdict(task, (), "It serves already."), champion.version, champion.version
        )
    verdict = judge(
        contender(challenger, store),
        None if champion is None else contender(champion, store),
        study,
        settings,
    )
    registry.decide(challenger, _decision(verdict, champion))
    serves = registry.holder(task, CHAMPION)
    return Promotion(verdict, challenger.version, serves.version if serves else None)


def roll_back(model: str, store: Store) -> tuple[Registered | None, bool]:
    """Let the champion before the present one serve again; says which serves, and if that is new.

    Raises
    ------
    UsageError
        If the store has no such model.
    """
    task, _, _ = model.partition("@")
    serves, changed = Registry(store).roll_back(task, _now())
    if serves is None:
        store.bundle_folder(f"{task}@{CHAMPION}")  # says what is there instead
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


def _decision(verdict: Verdict, champion: Registered | None) -> Decision:
    return Decision(
        passed=verdict.passed,
        reasons=verdict.objections or (verdict.compared,),
        content=verdict.to_json(),
        against=None if champion is None else champion.version,
        rows=verdict.rows,
        at=_now(),
        by=getuser(),
    )


def _nothing_to_promote(task: str, registry: Registry) -> str:
    serves = registry.holder(task, CHAMPION)
    words = f"version {serves.version} serves" if serves else "and no champion either"
    return f"{task} has no challenger in {registry.store.uri} ({words}); train one"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
