"""Problems: every error of the service as one RFC 9457 document, which never holds a value."""

import json
import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from starlette.responses import Response

Fault = tuple[str, str]
"""Where in a request (a JSON pointer, RFC 6901), and what is wrong there."""

MEDIA_TYPE = "application/problem+json"
_MOST_SHOWN = 50
_KIND = re.compile(r"[\[\]()]|^(str|float|int|bool)$")
# pydantic's messages may quote what was sent (a tag, a key); these say the same without.
_OWN_WORDS = {
    "json_invalid": "is not JSON",
    "extra_forbidden": "is not a known field",
    "union_tag_invalid": "is not one of the known kinds",
}


class Problem(Exception):  # noqa: N818  # the name of the RFC; it is what is answered, not a fault here
    """A request that cannot be answered: the status, one sentence, and the faults by place."""

    def __init__(
        self, status: HTTPStatus, detail: str, faults: Sequence[Fault] = (), **headers: str
    ) -> None:
        self.status = status
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        super().__init__(detail)

    @property
    def document(self) -> dict[str, Any]:
        """The RFC 9457 document; `errors` is its extension, a pointer and a sentence each."""
        shown = [{"pointer": place, "detail": said} for place, said in self.faults[:_MOST_SHOWN]]
        document = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
        }
        return document | ({"errors": shown} if shown else {})

    def response(self) -> Response:
        """Give the answer to send."""
        body = json.dumps(self.document)
        return Response(body, int(self.status), headers=self.headers, media_type=MEDIA_TYPE)


def invalid(faults: Iterable[Fault]) -> Problem:
    """Say that the content of a request is wrong, and where."""
    found = list(faults)
    first = f"{found[0][0] or 'the body'} {found[0][1]}" if found else "the body is wrong"
    more = f"; and {len(found) - 1} more" if len(found) > 1 else ""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{first}{more}", found)


def faults_of(error: ValidationError) -> list[Fault]:
    """Give pydantic's errors by JSON pointer; one fault a place, the first it names."""
    found: dict[str, str] = {}
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        words = _OWN_WORDS.get(one["type"], one["msg"][:1].lower() + one["msg"][1:])
        # A union adds the names of its kinds to the place; no field is named so.
        place = [part for part in one["loc"] if not _KIND.search(str(part))]
        found.setdefault(pointer(place), f"is wrong: {words}")
    return list(found.items())


def pointer(place: Iterable[str | int]) -> str:
    """Write a place as a JSON pointer (RFC 6901).

    >>> pointer(["history", 0, "a/b"])
    '/history/0/a~1b'
    """
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in place)
