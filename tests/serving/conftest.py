"""A real service: bundles of a small simulated study, served by a BentoML process of its own."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from kappredict.config.catalogue import Catalogue
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.totals import with_totals
from kappredict.domain.task import PredictionTask
from kappredict.estimators.candidates import BoostedAFT, Logistic
from kappredict.evaluation.modelling_set import build_modelling_set
from kappredict.evaluation.report import EvaluationReport, SchemeResult
from kappredict.evaluation.settings import RandomSplits, Schemes, TrainingSettings
from kappredict.evaluation.training import train_bundle
from kappredict.serving.core import Core
from kappredict.serving.keys import add_key
from kappredict.serving.settings import Settings

ISSUER, ORIGIN = "https://ehr.example", "https://sandbox.example"
SECRET = "a secret of the deployment"  # noqa: S105  # of a test


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue) -> Path:
    """A folder of bundles for one condition: response and relapse."""
    settings = TrainingSettings(
        inner_folds=2,
        schemes=Schemes(random_cv=RandomSplits(folds=2, repeats=1)),
        response_candidates=(Logistic(model="logistic"),),
        relapse_candidates=(BoostedAFT(model="boosted_aft", rounds=5),),
    )
    folder = tmp_path_factory.mktemp("models")
    simulated = simulate(load_parameters(), patients=300, seed=2, conditions=("depression",))
    study = with_totals(simulated.study, catalogue.instruments)
    for outcome in ("response", "relapse"):
        task = PredictionTask(catalogue.condition("depression"), outcome, "baseline")
        data = build_modelling_set(study, catalogue, task)
        n, events = len(data.target), data.target.events
        judged = {"random_cv": SchemeResult({}, {}, n, events, {})}
        report = EvaluationReport(data.task.name, n, events, judged, {}, (), None)
        train_bundle(data, report, study, catalogue, settings).save(folder / task.name)
    return folder


@pytest.fixture
def record() -> dict[str, Any]:
    return {
        "patient": {"patient_id": "marked-7431", "age": 41.0, "sex": "female"},
        "course": {"condition": "depression", "index_day": 0.0},
        "assessments": [
            {"day": -3.0, "instrument": "phq9", "value": 19.0},
            {"day": -3.0, "instrument": "gad7", "value": 11.0},
        ],
        "sessions": [],
        "history": [],
    }


@pytest.fixture
def core(models: Path, tmp_path: Path) -> Iterator[Core]:
    audit = str(tmp_path / "audit.db")
    settings = Settings(models=models, audit=audit, demo=True, url="http://testserver")
    opened = Core.open(settings)
    yield opened
    opened.close()


@dataclass(frozen=True)
class Served:
    """A running service, with a key for each role and the folder of all that it writes."""

    url: str
    folder: Path
    keys: dict[str, str]
    process: subprocess.Popen[bytes]
    signing: ECKey | None = None  # of the EHR that is a trusted issuer of tokens

    def client(self, role: str = "clinician") -> httpx.Client:
        headers = {"authorization": f"Bearer {self.keys[role]}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)


@pytest.fixture(scope="session")
def served(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    key = ECKey.generate_key("P-384", {"kid": "ehr-1"})
    (folder / "jwks.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    known = [{"issuer": ISSUER, "jwks": str(folder / "jwks.json"), "role": "clinician"}]
    (folder / "issuers.json").write_text(json.dumps(known))
    known_at = str(folder / "issuers.json")
    with serving(models, folder, add_keys(folder), KAPPREDICT_ISSUERS=known_at) as service:
        yield replace(service, signing=key)


@contextmanager
def serving(
    models: Path, folder: Path, keys: dict[str, str], *words: str, **environment: str
) -> Iterator[Served]:
    """Start `kappredict serve`, wait until it is ready, and stop it as an orchestrator does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["serve", "--models", models, "--port", port, *words]
    command += ["--keys", folder / "keys.json", "--audit", folder / "audit.db"]
    own = {
        "KAPPREDICT_PSEUDONYM_KEY": SECRET,
        "KAPPREDICT_LOOK_EVERY": "0.3",
        "KAPPREDICT_PER_MINUTE": "100000",
        "KAPPREDICT_PATIENCE": "2",
        "KAPPREDICT_URL": f"http://127.0.0.1:{port}",
        "KAPPREDICT_ORIGINS": ORIGIN,
        "BENTOML_HOME": str(folder / "bentoml"),
        "TMPDIR": str(folder),
    }
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", *map(str, command)],
            env={**os.environ, **own, **environment},
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
        )
    service = Served(f"http://127.0.0.1:{port}", folder, keys, process)
    try:
        _wait_until_ready(service)
        yield service
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def add_keys(folder: Path) -> dict[str, str]:
    """Make a key for each role."""
    return {
        role: add_key(folder / "keys.json", f"the {role}", role)
        for role in ("clinician", "researcher", "admin")
    }


def _wait_until_ready(service: Served) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        try:
            if httpx.get(f"{service.url}/readyz").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
        if service.process.poll() is not None:
            break
    raise AssertionError((service.folder / "log.txt").read_text())
