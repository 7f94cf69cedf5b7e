"""Bodies and connections of every bad kind: each gets an answer, and none holds the service."""

import contextlib
import gzip
import json
import socket
import time
from typing import Any

import httpx
import pytest

RECORD = b'{"course": {"condition": "depression", "index_day": 0%s}, "patient": {%s}}'


def with_(course: bytes = b"", patient: bytes = b"") -> bytes:
    return RECORD % (course, patient)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (with_(), 200, ""),
        (
            b"\xef\xbb\xbf" + with_(),
            200,
            "",
        ),  # a byte order mark is let pass (RFC 8259, section 8.1)
        (with_(patient=b'"age": 1, "age": 2'), 400, "two fields of the same name"),
        (with_(patient=b'"age": NaN'), 400, "NaN or Infinity"),
        (with_(patient=b'"age": -Infinity'), 400, "NaN or Infinity"),
        (with_(patient=b'"age": 1e400'), 400, "too large"),
        (with_(patient=b'"age": ' + b"9" * 5000), 400, "too large"),
        (with_(patient=b'"patient_id": "\\ud800"'), 400, "half of a character"),
        (with_(patient=b'"\\udfff": 1'), 400, "half of a character"),
        (with_(patient=b'"patient_id": "\\ud83d\\ude00"'), 200, ""),
        (with_(patient=b'"patient_id": "a\\u0000b"'), 200, ""),
        (with_(patient=b'"patient_id": "' + b"x" * 201 + b'"'), 422, "/patient/patient_id"),
        (with_(patient=b'"patient_id": "\x00"'), 400, "not JSON (line 1"),
        (with_().decode().encode("utf-16"), 400, "UTF-8"),
        (with_()[:-1], 400, "not JSON (line 1"),
        (b"", 400, "not JSON"),
        (b"1", 422, "the body"),
        (b'[{"a":' * 30 + b"1" + b"}]" * 30, 400, "levels deep"),
        (b'"' + b"[" * 1000 + b'"', 422, "the body"),  # brackets in a string are no nesting
        (b'{"records": [%s]}' % b",".join([b"{}"] * 1001), 422, "1 to 1,000"),
    ],
)
def test_a_body_is_read_as_every_reader_reads_it_or_refused(
    served: Any, body: bytes, status: int, said: str
) -> None:
    with served.client() as client:
        answer = client.post("/v1/predict", content=body)
    assert answer.status_code == status
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {"content-encoding": "gzip"},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
    ],
)
def test_what_is_compressed_or_not_json_is_not_read(served: Any, headers: dict[str, str]) -> None:
    body = gzip.compress(b" " * 10_000_000) if "content-encoding" in headers else with_()
    with served.client() as client:
        answer = client.post("/v1/predict", content=body, headers=headers)
    assert answer.status_code == 415
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_thousand_records_of_many_assessments_are_bounded_by_their_bytes(served: Any) -> None:
    many = [{"day": -3.0 - one, "instrument": "phq9", "value": 9} for one in range(200)]
    record = {"course": {"condition": "depression", "index_day": 0}, "assessments": many}
    body = json.dumps({"records": [record] * 1000}).encode()
    with served.client() as client:
        answer = client.post("/v1/predict", content=body)
    assert answer.status_code == 413
    assert "larger than 8,000,000 bytes" in answer.json()["detail"]


def talk(served: Any, *parts: bytes) -> bytes:
    """Send bytes as they are, and read what comes until the other side closes."""
    host, port = served.url.removeprefix("http://").split(":")
    found = b""
    with (
        socket.create_connection((host, int(port)), timeout=20) as connection,
        contextlib.suppress(ConnectionError),  # closed before all was sent
    ):
        for part in parts:
            connection.sendall(part)
        while chunk := connection.recv(65536):
            found += chunk
    return found


def head(served: Any, *headers: str) -> bytes:
    lines = ["POST /v1/predict HTTP/1.1", "Host: here", "Connection: close", *headers]
    lines += [f"Authorization: Bearer {served.keys['clinician']}"]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_body_in_chunks_is_read_and_one_that_grows_too_large_is_not(served: Any) -> None:
    body = with_()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in (body[:9], body[9:]))
    chunked = head(served, "Transfer-Encoding: chunked")
    assert b"HTTP/1.1 200" in talk(served, chunked + chunks + b"0\r\n\r\n")
    giant = b"%x\r\n%s\r\n" % (9_000_000, b" " * 9_000_000)
    answer = talk(served, chunked, giant)
    assert not answer or b"HTTP/1.1 413" in answer  # a client that goes on sending may not read it


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: -1"],
        ["Content-Length: many"],
        ["Content-Length: 2", "Content-Length: 3"],
        ["Content-Length: 2", "Transfer-Encoding: chunked"],
    ],
)
def test_a_length_that_is_none_is_a_bad_request(served: Any, headers: list[str]) -> None:
    answer = talk(served, head(served, *headers) + b"{}\r\n\r\n")
    assert answer.split(b" ", 2)[1] in {b"400", b"422"}


def test_clients_that_send_nothing_more_hold_nobody_up(served: Any, record: dict[str, Any]) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    slow = [socket.create_connection((host, int(port)), timeout=30) for _ in range(50)]
    for one in slow[:25]:
        one.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: h")  # headers that never end
    for one in slow[25:]:
        one.sendall(head(served, "Content-Length: 100") + b"{")  # a body that never ends
    with served.client() as client:
        began = time.monotonic()
        assert client.post("/v1/predict", json=record).status_code == 200
        assert time.monotonic() - began < 3
    assert httpx.get(f"{served.url}/livez").status_code == 200
    answers = [slow[0].recv(1000), slow[25].recv(1000)]
    assert all(one.startswith(b"HTTP/1.1 408") for one in answers)
    for one in slow:
        one.close()


def test_who_is_refused_reads_why_though_the_body_comes_later(served: Any) -> None:
    stranger = head(served, "Content-Length: 200000").replace(b"Bearer kap_", b"Bearer not")
    host, port = served.url.removeprefix("http://").split(":")
    for _ in range(5):
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(stranger)
            time.sleep(0.05)
            connection.sendall(b" " * 200_000)
            assert connection.recv(100).split(b" ", 2)[1] in {b"401", b"429"}
