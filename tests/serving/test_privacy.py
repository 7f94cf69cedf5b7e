"""Marked patients are sent in every way there is; no file that the process wrote holds a mark."""

import copy
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving.test_service import ehr_bundle, hook_call, prefetched

MARK = "marked-7431"
VALUE = "13.7431"
FIELD = (
    "fieldmark-7431"  # a field that is not known is refused by its name, and nothing more is said
)


def marked(content: Any) -> Any:
    """Put the value into every number."""
    if isinstance(content, dict):
        return {name: marked(one) for name, one in content.items()}
    if isinstance(content, list):
        return [marked(one) for one in content]
    return float(VALUE) if isinstance(content, float) else content


def places(content: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Find every place of a JSON document."""
    if not isinstance(content, dict | list):
        return [place]
    inside = content.items() if isinstance(content, dict) else enumerate(content)
    return [place, *(one for key, part in inside for one in places(part, (*place, key)))]


def replaced(content: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    changed = copy.copy(content)
    changed[place[0]] = replaced(content[place[0]], place[1:], value)
    return changed


def wrong_in_every_place(content: Any) -> list[Any]:
    """Give the document with each place in turn replaced by a marked text and a marked object."""
    wrong: list[Any] = [MARK * 40, {FIELD: [MARK, float(VALUE)]}]
    return [replaced(content, place, one) for place in places(content) for one in wrong]


@pytest.fixture
def sent(record: dict[str, Any]) -> dict[str, list[Any]]:
    """Bodies by address: right, wrong in every place, and none of JSON."""
    whole = {
        **marked(record),
        "history": [{"kind": "medication", "code": MARK, "start_day": -9.0, "outcome": MARK}],
    }
    bundle = ehr_bundle(record)
    call = hook_call(prefetched(bundle))
    bodies = {
        "/v1/predict": whole,
        "/v1/explain": {"records": [whole]},
        "/v1/what-if": {"record": whole, "changes": {FIELD: MARK}},
        "/fhir/$predict": bundle,
        "/cds-services/kappredict-patient": call,
        "/cds-services/kappredict-order/feedback": {"feedback": [{"card": MARK, "outcome": MARK}]},
    }
    few = {"/v1/predict", "/fhir/$predict", "/cds-services/kappredict-patient"}
    return {
        path: [body, *(wrong_in_every_place(body) if path in few else [{FIELD: body}])]
        for path, body in bodies.items()
    }


def everything(folder: Path) -> bytes:
    return b"".join(one.read_bytes() for one in folder.rglob("*") if one.is_file())


def test_nothing_that_the_service_writes_or_refuses_with_holds_a_patients_data(
    served: Any, sent: dict[str, list[Any]]
) -> None:
    refusals = []
    with served.client() as client:
        for path, bodies in sent.items():
            broken = [json.dumps(bodies[0])[:-1], f"{{{FIELD}: {VALUE}}}", f'"{MARK}\\ud800"']
            answers = [client.post(path, json=one) for one in bodies]
            answers += [client.post(path, content=one.encode()) for one in broken]
            refusals += [one for one in answers if one.status_code != 200]
            assert {one.status_code for one in answers} <= {200, 400, 412, 422}
        refusals += elsewhere(client)
    told = [one.json()["detail"] for one in refusals]
    told += [one["detail"] for each in refusals for one in each.json().get("errors", ())]
    assert len(told) > 100
    assert not [one for one in told if MARK in one or VALUE in one]
    metrics = httpx.get(f"{served.url}/metrics").content
    found = everything(served.folder) + metrics
    assert b"kappredict_requests_total" in found  # the search sees what was written
    assert not [one for one in (MARK, VALUE, FIELD) if one.encode() in found]


def elsewhere(client: httpx.Client) -> list[httpx.Response]:
    """Send the mark in paths, queries and headers."""
    headers = {"x-request-id": MARK, "user-agent": MARK, "referer": f"https://ehr/{MARK}"}
    wrong = {"authorization": f"Bearer {MARK}", "x-forwarded-for": MARK}
    return [
        client.get(f"/patients/{MARK}"),
        client.get(f"/v1/predict?patient={MARK}"),
        client.post(f"/v1/predict?patient={MARK}", json=MARK, headers=headers),
        client.put(f"/fhir/Patient/{MARK}", json={"name": MARK}),
        client.post("/v1/predict", json={}, headers=wrong),
        client.request(MARK.upper(), "/v1/models"),
    ]
