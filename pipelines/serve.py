"""Serve: become the BentoML service on a folder of bundles, once the settings were found safe."""

import os
import sys
from pathlib import Path
from typing import NoReturn

from kappredict.errors import UsageError
from kappredict.serving.settings import PREFIX, Settings, read_settings
from pipelines.cli_service import Address

_SERVICE = "kappredict.serving.service:Kappredict"
# A drain may take as long as the longest request; an orchestrator kills after 30 seconds.
_SECONDS_TO_DRAIN = "27"
# Longer than a proxy keeps an idle connection (usually 60), or it would send into a closed one.
_SECONDS_IDLE = "75"


def serve(
    at: Address, models: Path, keys: Path, audit: str, *, demo: bool, workers: int
) -> NoReturn:
    """Become the service, so that a signal to this process is one to it.

    Raises
    ------
    UsageError
        If there is no bundle, or no credentials and it is not a demo on this machine.
    """
    given = {
        "MODELS": str(models.resolve()),
        "KEYS": str(keys.resolve()),
        "AUDIT": audit if "://" in audit else str(Path(audit).resolve()),
        "HOST": at.host,
        "DEMO": "1" if demo else "",
        "WORKERS": str(workers),
    }
    own = {f"{PREFIX}{name}": value for name, value in given.items()}
    address = {f"{PREFIX}URL": f"http://{at.host}:{at.port}"}
    # In its debug mode BentoML shows and logs what was sent.
    quiet = {"BENTOML_DO_NOT_TRACK": "True", "BENTOML_DEBUG": "False"}
    environment = {**address, **os.environ, **quiet, **own}
    _refuse_empty(read_settings(environment))
    command = [sys.executable, "-m", "bentoml", "serve", _SERVICE]
    command += ["--host", at.host, "--port", str(at.port), "--timeout", "30"]
    command += ["--timeout-graceful-shutdown", _SECONDS_TO_DRAIN]
    command += ["--timeout-keep-alive", _SECONDS_IDLE]
    os.execve(sys.executable, command, environment)  # noqa: S606  # no shell, nothing of a user's


def _refuse_empty(settings: Settings) -> None:
    """Refuse a folder without bundles before a worker is started on it again and again."""
    if next(settings.models.glob("*/*/*/manifest.json"), None) is None:
        raise UsageError(
            f"no bundle in {settings.models}: `kappredict export MODEL {settings.models}`, "
            f"or name another folder with --models"
        )
