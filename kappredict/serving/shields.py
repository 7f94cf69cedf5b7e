"""Shields of the service: size, form and depth of what is sent, and how often one may ask."""

import asyncio
import json
import math
import re
import time
from collections import OrderedDict
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.types import Receive

from kappredict.serving.problems import Problem

DEEPEST = 40
_MOST_DIGITS = 300  # as many as the largest double has
_JSON = ("application/json", "application/fhir+json")


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


async def read_body(
    receive: Receive, headers: Mapping[str, str], most: int, patience: float
) -> bytes:
    """Read a request's body: of so many bytes at most, in so many seconds.

    Raises
    ------
    Problem
        413 if it is larger than allowed, 408 if it comes too slowly, 415 if it is compressed or
        said to be something other than JSON, 400 if it breaks off.
    """
    _refuse_kind(headers)
    too_large = Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {most:,} bytes"
    )
    said = headers.get("content-length", "0")
    if said.isdigit() and int(said) > most:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(patience):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Problem(HTTPStatus.BAD_REQUEST, "the body broke off")
                body += message.get("body", b"")
                if len(body) > most:
                    raise too_large
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError as error:
        detail = "the body came too slowly"
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, detail) from error


def _refuse_kind(headers: Mapping[str, str]) -> None:
    """Refuse what is compressed (a small body may hold a giant one) or not JSON."""
    unsupported = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(unsupported, "send the body as it is, without a content-encoding")
    kind = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind not in _JSON:
        raise Problem(unsupported, f"send JSON, with content-type {' or '.join(_JSON)}")


_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"')
_BRACKETS = re.compile(rb"[\[\]{}]")


_HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # an escape that may stand for half a character


def parsed_json(body: bytes) -> Any:
    """Parse JSON (RFC 8259) that is not nested too deeply and means the same to every reader.

    Two fields of one name are refused (I-JSON, RFC 7493): which of the two would be the patient's?
    So are NaN and Infinity, numbers too large for a double, and halves of a character.

    Raises
    ------
    Problem
        400, saying where the body is not JSON or what in it is not allowed.
    """
    refuse_depth(body)
    try:
        return _parsed(body)
    except json.JSONDecodeError as error:
        said = f"the body is not JSON (line {error.lineno}, column {error.colno})"
    except UnicodeDecodeError:
        said = "the body is not JSON in UTF-8"
    except UnicodeEncodeError:
        said = "the body holds half of a character (a lone surrogate)"
    except _NotAllowedError as error:
        said = f"the body holds {error}"
    raise Problem(HTTPStatus.BAD_REQUEST, said)


def _parsed(body: bytes) -> Any:
    content = json.loads(
        body.decode("utf-8-sig"),
        object_pairs_hook=_object,
        parse_constant=_no_constant,
        parse_int=_whole,
        parse_float=_finite,
    )
    if _HALF.search(body):
        json.dumps(content, ensure_ascii=False).encode()
    return content


class _NotAllowedError(Exception):
    """Something that JSON allows, or that parsers let pass, and that is refused."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotAllowedError("an object with two fields of the same name")
    return found


def _no_constant(_: str) -> Any:
    raise _NotAllowedError("NaN or Infinity, which JSON has not")


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise _NotAllowedError("a number that is too large")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _NotAllowedError("a number that is too large")
    return number


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
