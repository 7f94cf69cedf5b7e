"""The BentoML service: glue between one process's core and its application.

BentoML imports this module in its parent process, too, which answers nothing: so the models and
what reads them are imported where a worker starts.
"""

import asyncio
import contextlib
import gc
import logging
import os
from typing import TYPE_CHECKING

import bentoml
from starlette.types import ASGIApp, Receive, Scope, Send

from kappredict.serving.connections import bound_connections
from kappredict.serving.settings import DEFAULT_PATIENCE

if TYPE_CHECKING:
    from kappredict.serving.core import Core

_log = logging.getLogger("kappredict")


class _Door:
    """The application, once the worker has opened it; BentoML is not ready before."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


_door = _Door()
bound_connections(float(os.environ.get("KAPPREDICT_PATIENCE", DEFAULT_PATIENCE)))


# The guard counts, bounds and refuses; BentoML's own metrics and spans would hold the paths that
# were sent, and its limits answer without a problem document.
@bentoml.asgi_app(_door, path="/")
@bentoml.service(
    name="kappredict",
    workers=int(os.environ.get("KAPPREDICT_WORKERS", "1")),
    traffic={"timeout": 30},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
    tracing={"excluded_urls": ".*"},
)
class Kappredict:
    """Predictions over REST, FHIR, CDS Hooks and a page; one core a worker."""

    def __init__(self) -> None:
        """Open the models, the audit trail and the credentials of this worker.

        All that is loaded here stays: looking through it for garbage now costs a tenth of the
        start, and later every answer now and then.
        """
        gc.disable()
        from kappredict.serving.app import make_app  # noqa: PLC0415
        from kappredict.serving.core import Core  # noqa: PLC0415
        from kappredict.serving.settings import read_settings  # noqa: PLC0415

        self._core = Core.open(read_settings(os.environ))
        _door.app = make_app(self._core)
        gc.freeze()
        gc.enable()

    def __is_ready__(self) -> bool:  # the name that BentoML asks for
        """Whether /readyz says so."""
        return self._core.ready

    @bentoml.on_startup  # type: ignore[untyped-decorator]  # it ships no types
    async def watch(self) -> None:
        """Look for changed bundles, and for the trail, as long as the process lives."""
        await _begin(self._core)
        self._watching = asyncio.create_task(_look(self._core))

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    async def stop(self) -> None:
        """Stop looking, and close the audit trail."""
        self._watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watching
        self._core.close()


async def _look(core: "Core") -> None:
    while True:
        await asyncio.sleep(core.settings.look_every)
        if not core.scribe.well:
            await _begin(core)
        try:
            if await asyncio.to_thread(core.look):
                _log.warning("bundles changed; served now: %d", len(core.shelf.models))
        except OSError as error:
            _log.error("the folder of bundles cannot be read: %s", error.strerror)


async def _begin(core: "Core") -> None:
    from kappredict.serving.audit import AuditError  # noqa: PLC0415

    with contextlib.suppress(AuditError):  # the scribe has said so in the log
        await core.begin()
