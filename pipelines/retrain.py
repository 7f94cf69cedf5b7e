"""Retrain: new data to a champion that serves, unattended: validate, train, judge, export.

A retraining is known by its key: a digest of the data, the definitions, the settings and the code.
What it has done so far is in the store and nowhere else, so that one that was killed goes on where
it stopped, on whichever machine, and one that is repeated finds that there is nothing to do.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from kappredict.config.catalogue import Catalogue, fingerprint
from kappredict.data.study import Study
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.settings import TrainingSettings
from kappredict.evaluation.training import code_version, package_version
from kappredict.tracking.locks import locked
from kappredict.tracking.registry import Registry
from kappredict.tracking.store import CHAMPION, Registered, Store
from pipelines.console import messages
from pipelines.import_study import import_study
from pipelines.promote import Content, decide, put_on_the_shelf
from pipelines.summary import Summary, summary_page
from pipelines.train import Run, modelling_sets, read_study, train_sets
from pipelines.validate import validate

KEY, KIND = "retraining", "kind"
_SUMMARY = "summary"


@dataclass(frozen=True)
class Job:
    """What to retrain, from where, and into which served folder.

    `source` is an import folder and its source; without it `study` is taken as it is.
    """

    conditions: Sequence[str]
    study: Path
    settings: TrainingSettings
    store: Store
    models: Path
    source: tuple[Path, str] | None = None
    own_configs: Path | None = None


def retrain(job: Job) -> Summary:
    """Do all that is not done yet, from new data to the served folder.

    Raises
    ------
    DataError
        If the data cannot be used; nothing was trained.
    """
    if job.source is not None:
        messages.print("importing")
        import_study(*job.source, job.study, own_configs=job.own_configs)
    messages.print("validating")
    validate(job.study, own_configs=job.own_configs)
    study, catalogue = read_study(job.study, job.own_configs)
    key = _key(study, catalogue, job)
    # A second one, of tonight's cron on top of last night's, waits and then finds nothing to do.
    with locked(job.store.uri, "retraining"):
        marks = {KEY: key, KIND: "retrain"}
        known = job.store.find_run(marks)
        if known is not None and known[1]:
            return _nothing_new(known[0], job)
        run = Run(study, catalogue, job.settings, Path(), job.store, {KEY: key})
        name = f"retrain {study.definition.id}"
        with job.store.run(name, run.tags | marks, resume=known[0] if known else None):
            summary = _retrain(run, job)
            texts = {f"{_SUMMARY}.json": json.dumps(asdict(summary), indent=1)}
            job.store.log_texts(texts | {f"{_SUMMARY}.md": summary_page(summary)})
    return summary


def _retrain(run: Run, job: Job) -> Summary:
    usable, refused = modelling_sets(job.conditions, run.study, run.catalogue, run.settings)
    versions = _train_missing(run, usable)
    verdicts = []
    for task, version in versions.items():
        messages.print(f"judging {task}")
        verdicts.append(_judge_once(task, version, run))
    return Summary(
        key=run.marks[KEY],
        study=run.study.definition.id,
        new=True,
        verdicts=verdicts,
        not_modelled={one.task: one.reason for one in refused},
        exported=_export(list(versions), job),
    )


def _train_missing(run: Run, usable: Sequence[ModellingSet]) -> dict[str, Registered]:
    """Train the tasks that this retraining has not registered yet, condition by condition."""
    done = Registry(run.store).marked(KEY, run.marks[KEY])
    missing = [one for one in usable if one.task.name not in done]
    for condition, sets in groupby(missing, key=lambda one: one.task.condition.id):
        messages.print(f"training {condition}")
        with TemporaryDirectory() as drafts:
            for one in train_sets(run.into(Path(drafts)), list(sets)):
                done[one.bundle.task.name] = one.registered
    return {one.task.name: done[one.task.name] for one in usable}


def _judge_once(task: str, version: Registered, run: Run) -> Content:
    registry = Registry(run.store)
    if registry.outcome(version):
        return registry.verdict(version)
    if registry.holder(task, CHAMPION) != version:
        registry.challenge(version)  # a kill may have come between registering it and this
    return decide(task, version, run.study, run.settings, run.store)


def _export(tasks: Sequence[str], job: Job) -> list[str]:
    """Put the champions of some tasks into the served folder, where they are not there yet."""
    messages.print("exporting")
    registry = Registry(job.store)
    serving = [task for task in tasks if registry.holder(task, CHAMPION)]
    return [task for task in serving if put_on_the_shelf(task, job.models, job.store)]


def _nothing_new(run_id: str, job: Job) -> Summary:
    """Give the summary of one that is done; the served folder is put right all the same."""
    before = job.store.read_json(run_id, f"{_SUMMARY}.json")
    exported = _export([one["task"] for one in before["verdicts"]], job)
    return Summary(**{**before, "new": False, "exported": exported})


def _key(study: Study, catalogue: Catalogue, job: Job) -> str:
    """Give the digest of all that a retraining depends on."""
    definitions = (
        *catalogue.conditions.values(), *catalogue.instruments.values(), catalogue.features
    )  # fmt: skip
    parts: Mapping[str, str] = {
        "data": study.digest,
        "definitions": " ".join(map(fingerprint, definitions)),
        "settings": job.settings.model_dump_json(),
        "conditions": " ".join(sorted(job.conditions)),
        "code": f"{package_version()} {code_version()}",
    }
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
