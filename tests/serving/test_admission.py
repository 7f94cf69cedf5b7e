"""Who is turned away is on record, without filling the disk, and without locking others out."""

from pathlib import Path
from typing import Any

import httpx

from kappredict.serving.audit import AuditTrail

REFUSED = ("unknown", "none", "predict", "refused", "401")


def entries(folder: Path) -> list[tuple[str, ...]]:
    found = [one.entry for one in AuditTrail.at(str(folder / "audit.db")).read()]
    return [(one.who, one.role, one.action, one.outcome, one.note) for one in found]


def test_strangers_are_on_record_until_their_address_asks_too_often(
    served: Any, record: dict[str, Any]
) -> None:
    before = entries(served.folder).count(REFUSED)
    # An address of its own on this machine: other tests spend the refusals of the usual one.
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.9")
    wrong = {"authorization": "Bearer wrong"}
    with httpx.Client(base_url=served.url, headers=wrong, transport=elsewhere) as stranger:
        statuses = [stranger.post("/v1/predict", json=record).status_code for _ in range(60)]
    assert set(statuses) <= {401, 429}
    assert statuses[-1] == 429
    assert entries(served.folder).count(REFUSED) - before == statuses.count(401) <= 31
    good = {"authorization": f"Bearer {served.keys['clinician']}"}
    same = httpx.HTTPTransport(local_address="127.0.0.9")
    with httpx.Client(base_url=served.url, headers=good, transport=same, timeout=30) as client:
        assert client.post("/v1/predict", json=record).status_code == 200


def test_a_role_that_may_not_and_a_reading_of_the_trail_are_on_record(
    served: Any, record: dict[str, Any]
) -> None:
    with served.client("researcher") as client:
        assert client.post("/v1/predict", json=record).status_code == 403
        assert client.get("/fhir/AuditEvent").status_code == 403
    with served.client("admin") as client:
        assert client.get("/fhir/AuditEvent").status_code == 200
    last = entries(served.folder)[-3:]
    assert last == [
        ("the researcher", "researcher", "predict", "refused", "403"),
        ("the researcher", "researcher", "audit-read", "refused", "403"),
        ("the admin", "admin", "audit-read", "answered", ""),
    ]


def test_a_refused_body_and_the_beginning_of_service_are_on_record(served: Any) -> None:
    with served.client() as client:
        assert client.post("/v1/predict", content=b" " * 8_000_001).status_code == 413
        assert client.post("/v1/predict", content=b"{").status_code == 400
    found = entries(served.folder)
    assert found[0] == ("kappredict", "service", "begin", "answered", "")
    assert [one[-1] for one in found[-2:]] == ["413", "400"]
