"""What fails says where and never with what; what takes too long or is too much is refused."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from kappredict.serving import core as cores
from kappredict.serving import guard
from kappredict.serving.app import make_app
from kappredict.serving.core import Core


@pytest.fixture
def app(core: Core) -> FastAPI:
    return make_app(core)


async def ask(app: FastAPI, method: str, path: str, **given: Any) -> httpx.Response:
    # What the application raised would be raised here: nothing may be.
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        return await client.request(method, path, **given)


def is_problem(answer: httpx.Response, status: int) -> bool:
    kind = answer.headers["content-type"] == "application/problem+json"
    return answer.status_code == status == answer.json()["status"] and kind


def test_an_unforeseen_failure_is_logged_by_its_place_and_never_by_its_message(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken() -> None:
        raise ValueError("marked-7431 is nobody's number")

    app.add_api_route("/broken", broken)
    answer = asyncio.run(ask(app, "GET", "/broken"))
    assert is_problem(answer, 503)
    assert "ValueError at " in caplog.text
    assert "test_guard.py" in caplog.text
    assert "marked" not in caplog.text + answer.text


def test_work_that_fails_is_audited_as_not_answered(
    core: Core, record: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    core.predict = lambda body, name: body[f"marked {name}"]  # type: ignore[method-assign]
    answer = asyncio.run(ask(make_app(core), "POST", "/v1/predict", json=record))
    assert is_problem(answer, 503)
    assert "KeyError at " in caplog.text
    assert "marked" not in caplog.text + answer.text
    (kept,) = (one.entry for one in core.trail.read())
    assert (kept.outcome, kept.note) == ("refused", "503")


def test_an_answer_that_takes_too_long_is_given_up(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "LONGEST_SECONDS", 0.05)

    async def slow() -> None:
        await asyncio.sleep(10)

    app.add_api_route("/slow", slow)
    answer = asyncio.run(ask(app, "GET", "/slow"))
    assert is_problem(answer, 503)
    assert answer.headers["retry-after"]


def test_an_answer_that_breaks_off_holds_no_message(app: FastAPI) -> None:
    async def stream() -> AsyncIterator[bytes]:
        yield b"first"
        raise ValueError("marked")

    from starlette.responses import StreamingResponse

    async def half() -> StreamingResponse:
        return StreamingResponse(stream())

    app.add_api_route("/half", half)
    with pytest.raises(ConnectionAbortedError, match="an answer broke off") as raised:
        asyncio.run(ask(app, "GET", "/half"))
    assert raised.value.__suppress_context__


def test_more_than_can_be_worked_on_at_once_is_told_to_come_again(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "MOST_AT_ONCE", 2)

    async def a_while() -> dict[str, str]:
        await asyncio.sleep(0.1)
        return {}

    app.add_api_route("/a-while", a_while)

    async def at_once() -> list[httpx.Response]:
        return await asyncio.gather(*(ask(app, "GET", "/a-while") for _ in range(4)))

    answers = asyncio.run(at_once())
    assert sorted(one.status_code for one in answers) == [200, 200, 503, 503]
    assert all(one.headers["retry-after"] for one in answers if one.status_code == 503)


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost", "[::1]:3000", "testserver"])
def test_a_demo_answers_to_this_machines_names(app: FastAPI, host: str) -> None:
    answer = asyncio.run(ask(app, "GET", "/v1/about", headers={"host": host}))
    assert answer.status_code == 200
    assert "no credentials" in answer.headers["x-kappredict-demo"]


def test_the_interface_of_a_demo_says_that_it_is_one(app: FastAPI) -> None:
    described = asyncio.run(ask(app, "GET", "/openapi.json")).json()["info"]["description"]
    assert "DEMO: no credentials are asked for" in described


def test_a_demo_does_not_answer_to_a_name_that_was_made_to_point_here(app: FastAPI) -> None:
    answer = asyncio.run(ask(app, "GET", "/v1/about", headers={"host": "evil.example"}))
    assert is_problem(answer, 421)


def test_a_light_request_gets_its_turn_among_many_heavy_ones(
    app: FastAPI, record: dict[str, Any]
) -> None:
    order = []

    async def asked(method: str, path: str, **given: Any) -> None:
        assert (await ask(app, method, path, **given)).status_code == 200
        order.append(path)

    async def many() -> None:
        heavy = [asked("POST", "/v1/predict", json=record) for _ in range(20)]
        await asyncio.gather(*heavy, asked("GET", "/v1/about"))

    asyncio.run(many())
    assert order.index("/v1/about") < 5


def test_a_body_is_large_from_a_size_on_and_then_worked_on_in_a_thread(
    app: FastAPI, record: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "_SMALL", 10)
    answer = asyncio.run(ask(app, "POST", "/v1/predict", json=record))
    assert answer.status_code == 200


def test_a_record_with_a_date_can_be_changed(app: FastAPI, record: dict[str, Any]) -> None:
    record["patient"]["enrolled_on"] = "2000-01-01"
    body = {"record": record, "changes": {"age": 50}}
    assert asyncio.run(ask(app, "POST", "/v1/what-if", json=body)).status_code == 200


def test_metrics_count_by_route_and_never_by_the_path_that_was_sent(
    app: FastAPI, record: dict[str, Any]
) -> None:
    async def some() -> str:
        await ask(app, "POST", "/v1/predict", json=record)
        await ask(app, "GET", "/patients/marked-7431")
        return (await ask(app, "GET", "/metrics")).text

    logging.getLogger("kappredict").debug("no value is logged, either")
    found = asyncio.run(some())
    assert 'kappredict_requests_total{route="/v1/predict",status="200"} 1.0' in found
    assert 'kappredict_requests_total{route="other",status="404"} 1.0' in found
    assert (
        'kappredict_answers_total{kind="predicted",model="depression/response/baseline"}' in found
    )
    assert "kappredict_audit_writable 1.0" in found
    assert "marked" not in found
