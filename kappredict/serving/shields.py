"""Shields around the service: size, depth and rate of requests, and strict headers on answers."""

import asyncio
import json
import re
import time
from collections import OrderedDict
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kappredict.serving.problems import Problem

DEEPEST = 40
_SECONDS_TO_SEND = 20.0
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


class StrictHeaders:
    """Add headers that leave a browser nothing but our own page's work."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADER_BYTES]
            await send(message)

        await self._app(scope, receive, with_headers)


class Buckets:
    """A token bucket for each principal of this process: so many requests a minute.

    Several workers each have their own; the limit of all is the sum.
    """

    def __init__(self, per_minute: int, most_known: int = 10_000) -> None:
        self._rate = per_minute / 60
        self._size = float(per_minute)
        self._most_known = most_known
        self._known: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> None:
        """Take one token.

        Raises
        ------
        Problem
            429 with Retry-After, if there is none left.
        """
        now = time.monotonic()
        left, at = self._known.pop(name, (self._size, now))
        left = min(self._size, left + (now - at) * self._rate)
        self._known[name] = (max(left - 1, left if left < 1 else 0), now)
        if len(self._known) > self._most_known:
            self._known.popitem(last=False)
        if left < 1:
            wait = int((1 - left) / self._rate) + 1
            detail = f"too many requests; ask again in {wait} seconds"
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, detail, Retry_After=str(wait))


async def read_body(receive: Receive, headers: Any, most: int) -> bytes:
    """Read a request's body.

    Raises
    ------
    Problem
        413 if it is larger than allowed, 408 if it comes too slowly.
    """
    too_large = Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {most:,} bytes"
    )
    said = headers.get("content-length", "0")
    if said.isdigit() and int(said) > most:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_SECONDS_TO_SEND):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > most:
                    raise too_large
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError as error:
        detail = "the body came too slowly"
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, detail) from error


_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"')
_BRACKETS = re.compile(rb"[\[\]{}]")


def parsed_json(body: bytes) -> Any:
    """Parse JSON that is not nested too deeply.

    Raises
    ------
    Problem
        400, saying where the body is not JSON or that it is nested too deeply.
    """
    refuse_depth(body)
    try:
        return json.loads(body)
    except (ValueError, UnicodeDecodeError) as error:
        place = (
            f" (line {error.lineno}, column {error.colno})"
            if (isinstance(error, json.JSONDecodeError))
            else ""
        )
        raise Problem(HTTPStatus.BAD_REQUEST, f"the body is not JSON{place}") from error


def refuse_depth(body: bytes) -> None:
    """Refuse a body that is nested too deeply, before a parser goes down into it.

    Raises
    ------
    Problem
        400, if it is nested more deeply than any record or FHIR resource needs.
    """
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub(b"", body)):
        depth += 1 if bracket.group() in b"[{" else -1
        if depth > DEEPEST:
            detail = f"the body is nested more than {DEEPEST} levels deep"
            raise Problem(HTTPStatus.BAD_REQUEST, detail)
