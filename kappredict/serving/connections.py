"""Connections that do not wait for ever: a client must send its headers in some seconds.

uvicorn bounds how long a connection may idle between requests, and not how long one may take to
send the first line and the headers; a few hundred such clients ("slowloris") hold all that there
are. Bodies and answers are bounded by the guard.
"""

import asyncio
import json
from http import HTTPStatus
from typing import Any

import h11
import uvicorn.config
from uvicorn.protocols.http.h11_impl import H11Protocol


def bound_connections(patience: float) -> None:
    """Make this process's uvicorn, whose options BentoML does not pass on, use them."""
    BoundedConnection.patience = patience
    uvicorn.config.HTTP_PROTOCOLS["auto"] = f"{__name__}:BoundedConnection"


class BoundedConnection(H11Protocol):
    """uvicorn's connection, closed with 408 where headers do not come in time."""

    patience = 0.0
    _until: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for headers."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came; half a request is waited for from its first byte on."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._until is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._until = self.loop.call_later(self.patience, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._until is not None:
            self._until.cancel()
            self._until = None

    def _too_slow(self) -> None:
        self._until = None
        if not self.transport.is_closing():
            self.transport.write(_TOO_SLOW)
            self.transport.close()


def _answer() -> bytes:
    status = HTTPStatus.REQUEST_TIMEOUT
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": "the headers came too slowly",
    }
    body = json.dumps(document).encode()
    head = (
        f"HTTP/1.1 {int(status)} {status.phrase}\r\ncontent-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


_TOO_SLOW = _answer()
