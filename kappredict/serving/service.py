"""The BentoML service: glue between one process's core and its application."""

import asyncio
import contextlib
import logging
import os

import bentoml

from kappredict.serving.app import make_app
from kappredict.serving.core import Core
from kappredict.serving.settings import read_settings

_log = logging.getLogger("kappredict")
_core = Core.open(read_settings(os.environ))
_app = make_app(_core)


@bentoml.asgi_app(_app, path="/")
@bentoml.service(
    name="kappredict",
    workers=int(os.environ.get("KAPPREDICT_WORKERS", "1")),
    traffic={"timeout": 30, "max_concurrency": 64},
    logging={"access": {"enabled": False}},
    metrics={"enabled": True},
)
class Kappredict:
    """Predictions over REST, FHIR, CDS Hooks and a page; one core a worker."""

    @bentoml.on_startup  # type: ignore[untyped-decorator]  # it ships no types
    async def watch(self) -> None:
        """Look for changed bundles as long as the process lives."""
        self._watching = asyncio.create_task(_look())

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    async def stop(self) -> None:
        """Stop looking, and close the audit trail."""
        self._watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watching
        _core.trail.close()


async def _look() -> None:
    while True:
        await asyncio.sleep(_core.settings.look_every)
        try:
            if await asyncio.to_thread(_core.look):
                _log.info("models are served anew: %d", len(_core.shelf.models))
        except OSError as error:
            _log.error("the folder of bundles cannot be read: %s", error.strerror)
