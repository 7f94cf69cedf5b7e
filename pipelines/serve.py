"""Serve: start the BentoML service on a folder of bundles, once the settings were found safe."""

import os
import subprocess
import sys
from pathlib import Path

from kappredict.errors import UsageError
from kappredict.serving.settings import PREFIX, Settings, read_settings
from pipelines.cli_service import Address

_SERVICE = "kappredict.serving.service:Kappredict"


def serve(at: Address, models: Path, keys: Path, audit: str, *, demo: bool, workers: int) -> int:
    """Run the service until it is stopped; gives its exit code.

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
    address = {f"{PREFIX}URL": f"http://{at.host}:{at.port}", "BENTOML_DO_NOT_TRACK": "True"}
    environment = {**address, **os.environ, **own}
    _refuse_empty(read_settings(environment))
    command = [sys.executable, "-m", "bentoml", "serve", _SERVICE]
    command += ["--host", at.host, "--port", str(at.port), "--timeout", "30"]
    return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603


def _refuse_empty(settings: Settings) -> None:
    """Refuse a folder without bundles before a worker is started on it again and again."""
    if next(settings.models.glob("*/*/*/manifest.json"), None) is None:
        raise UsageError(
            f"no bundle in {settings.models}: `kappredict export MODEL {settings.models}`, "
            f"or name another folder with --models"
        )
