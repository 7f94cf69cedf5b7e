"""The guard around the application: what may come in, how long it takes, what may not get out."""

import asyncio
import contextlib
import logging
import time
import traceback
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kappredict.serving.metrics import Metrics
from kappredict.serving.problems import Problem

LONGEST_SECONDS = 25.0  # less than BentoML's own limit, whose answer is no problem document
MOST_AT_ONCE = 128
DEMO_HEADER = (b"x-kappredict-demo", b"no credentials are asked for, on this machine only")

_log = logging.getLogger("kappredict")
_HERE = Path(__file__).parents[2]
_MOST_PLACES = 6
_MOST_READ_OUT = 1_000_000
_SECONDS_READING_OUT = 1.0
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # Only over TLS has it an effect; a proxy in front usually ends that.
    "strict-transport-security": "max-age=31536000; includeSubDomains",
}
_HEADER_BYTES = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]


class Guard:
    """Bounds every request, counts it, and answers whatever fails as a problem without a value.

    `hosts` are the names that a browser may call a demo by; none given, all may be. A demo asks for
    no credentials, so a page elsewhere whose name is made to point here could use it (DNS
    rebinding); its Host header gives it away.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._metrics = metrics
        self._hosts = frozenset(hosts)
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, request = time.perf_counter(), _Request(receive)
        answer = _Answer(send, request, demo=bool(self._hosts))
        self._under_way += 1
        try:
            await self._answered(scope, request, answer)
        finally:
            self._under_way -= 1
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.requests.labels(route, answer.status).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - began)

    async def _answered(self, scope: Scope, receive: "_Request", answer: "_Answer") -> None:
        problem: Problem | None = None
        try:
            self._refuse(scope)
            async with asyncio.timeout(LONGEST_SECONDS):
                await self._app(scope, receive, answer)
        except Problem as caught:
            problem = caught
        except TimeoutError:
            problem = _unavailable("the answer took too long")
        except Exception as error:  # nothing may pass: its text might hold a patient's value
            _log.error("the service failed: %s", place_of(error))
            problem = failed()
        if problem is None:
            return
        if answer.status:
            raise ConnectionAbortedError("an answer broke off") from None
        await problem.response()(scope, receive, answer)

    def _refuse(self, scope: Scope) -> None:
        if self._under_way > MOST_AT_ONCE:
            raise _unavailable("too many requests are under way")
        host = Headers(scope=scope).get("host", "").lower()
        if self._hosts and _name(host) not in self._hosts:
            raise Problem(HTTPStatus.MISDIRECTED_REQUEST, "a demo answers to this machine's names")


class _Request:
    """What is received, to its end.

    A connection that is closed on a body that was not read is reset, and its client may never see
    why it was refused; so what is left of a small body is read first ("lingering close").
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._more = True

    async def __call__(self) -> Message:
        message = await self._receive()
        self._more = bool(message.get("more_body"))
        return message

    async def read_out(self) -> None:
        """Read what is left, if that is not much."""
        left = _MOST_READ_OUT
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SECONDS_READING_OUT):
                while self._more and left > 0:
                    left -= len((await self()).get("body", b""))


class _Answer:
    """What is sent: with strict headers, and its status remembered."""

    def __init__(self, send: Send, request: _Request, *, demo: bool) -> None:
        self.status = 0
        self._send = send
        self._request = request
        self._demo = demo

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.status >= HTTPStatus.BAD_REQUEST:
                await self._request.read_out()
            message["headers"] = [*message.get("headers", ()), *_HEADER_BYTES]
            if self._demo:
                message["headers"].append(DEMO_HEADER)
        await self._send(message)


def place_of(error: BaseException) -> str:
    """Say what failed and where, without the message, which might hold a patient's value.

    >>> try:
    ...     int("a patient's name")
    ... except ValueError as error:
    ...     print("name" in place_of(error))
    False
    """
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{_short(one.filename)}:{one.lineno}" for one in frames[-_MOST_PLACES:]]
    return f"{type(error).__name__} at {' < '.join(reversed(places))}"


def failed() -> Problem:
    """Give the answer to a request that failed for no reason that anybody foresaw."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the service failed; its log says where")


def _unavailable(detail: str) -> Problem:
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, Retry_After="1")


def _short(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(_HERE) if path.is_relative_to(_HERE) else path.name)


def _name(host: str) -> str:
    """Give a Host header's name, without the port.

    >>> _name("127.0.0.1:3000"), _name("[::1]:3000"), _name("localhost")
    ('127.0.0.1', '::1', 'localhost')
    """
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
