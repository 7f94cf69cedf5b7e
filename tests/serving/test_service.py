"""The three ways in give the same numbers, and what is refused is refused clearly."""

import base64
import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from playwright.sync_api import Page, sync_playwright

from kappredict.client import Client, ServiceError
from kappredict.errors import DataError, RefusedError

SCORES = {"phq9": "44261-6", "gad7": "70274-6"}


def ehr_bundle(record: dict[str, Any]) -> dict[str, Any]:
    """The same patient as an EHR holds it: dates, codes and references."""
    now = datetime.now(UTC)
    about = {"reference": f"Patient/{record['patient']['patient_id']}"}
    observations = [
        {
            "resourceType": "Observation",
            "id": one["instrument"],
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": SCORES[one["instrument"]]}]},
            "subject": about,
            "effectiveDateTime": (now + timedelta(days=one["day"])).isoformat(),
            "valueQuantity": {"value": one["value"], "unit": "{score}"},
        }
        for one in record["assessments"]
    ]
    resources = [
        {
            "resourceType": "Patient",
            "id": record["patient"]["patient_id"],
            "gender": record["patient"]["sex"],
            "birthDate": (now - timedelta(days=365.25 * 41.5)).date().isoformat(),
        },
        {
            "resourceType": "Condition",
            "id": "mdd",
            "clinicalStatus": {"coding": [{"code": "active"}]},
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": "370143000"}]},
            "subject": about,
        },
        *observations,
    ]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": now.isoformat(),
        "entry": [{"resource": one} for one in resources],
    }


def prefetched(bundle: dict[str, Any]) -> dict[str, Any]:
    by_type = {one["resource"]["resourceType"]: one["resource"] for one in bundle["entry"]}
    scores = [one for one in bundle["entry"] if one["resource"]["resourceType"] == "Observation"]
    return {
        "patient": by_type["Patient"],
        "conditions": {"resourceType": "Bundle", "entry": [{"resource": by_type["Condition"]}]},
        "scores": {"resourceType": "Bundle", "entry": scores},
        "doses": None,
    }


def hook_call(prefetch: dict[str, Any]) -> dict[str, Any]:
    return {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": "marked-7431"},
        "prefetch": prefetch,
    }


def probability(result: dict[str, Any], outcome: str = "response") -> float:
    return next(one["probability"] for one in result["answers"] if one["outcome"] == outcome)


def test_the_page_rest_fhir_and_cds_hooks_give_the_same_numbers(
    served: Any, record: dict[str, Any]
) -> None:
    # The diagnosis that an EHR sends is a fact of the history, too.
    record["history"] = [{"kind": "diagnosis", "code": "F32"}]
    bundle = ehr_bundle(record)
    with served.client() as client:
        rest = client.post("/v1/predict", json=record).raise_for_status().json()
        fhir = client.post("/fhir/$predict", json=bundle).raise_for_status().json()
        call = hook_call(prefetched(bundle))
        card = client.post("/cds-services/kappredict-patient", json=call).raise_for_status().json()
    wanted = probability(rest["results"][0])
    found = {
        part["outcome"]["coding"][0]["code"]: part["probabilityDecimal"]
        for one in fhir["entry"]
        for part in one["resource"].get("prediction", ())
    }
    assert found["response"] == wanted
    number = next(
        one["natural_frequency"]["number"]
        for one in rest["results"][0]["answers"]
        if one["outcome"] == "response"
    )
    assert f"{number} respond" in card["cards"][0]["summary"]
    assert len(card["cards"][0]["summary"]) < 140
    assert shown_on_the_page(served, record) == number


def shown_on_the_page(served: Any, record: dict[str, Any]) -> int:
    """Enter the record by hand in a real browser, and read the natural frequency."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = browser.new_page()
        page.goto(served.url)
        page.fill("#key", served.keys["clinician"])
        page.click("#use-key")
        page.wait_for_selector("#in-age")
        fill_in(page, record)
        page.click("#patient button[type=submit]")
        page.wait_for_selector("#result:not([hidden]) article svg.icons")
        label = page.locator("article", has_text="Response").locator("svg.icons").first
        said = label.get_attribute("aria-label") or ""
        filled = label.locator("circle.yes").count()
        page.set_viewport_size({"width": 320, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert Axe().run(page).violations_count == 0
        browser.close()
    assert f"about {filled} respond" in said
    return filled


def fill_in(page: Page, record: dict[str, Any]) -> None:
    for one in page.query_selector_all("details"):
        one.evaluate("each => each.open = true")
    page.fill("#in-age", "41")
    page.check("#in-sex-female")
    for one in record["assessments"]:
        page.fill(f"#in-{one['instrument']}", f"{one['value']:g}")
    if page.query_selector("#in-depression_diagnosis-1"):
        page.check("#in-depression_diagnosis-1")


def token(served: Any, place: str, name: str, key: Any = None, algorithm: str = "ES384") -> str:
    """A token as CDS Hooks has it: for one address, for five minutes, once."""
    now = int(time.time())
    claims = {
        "iss": "https://ehr.example",
        "aud": f"{served.url}{place}",
        "iat": now,
        "exp": now + 300,
        "jti": name,
    }
    header = {"alg": algorithm, "kid": "ehr-1", "typ": "JWT"}
    return jwt.encode(header, claims, key or served.signing, algorithms=[algorithm])


def test_an_ehr_calls_with_a_token_that_holds_for_this_address_and_once(
    served: Any, record: dict[str, Any]
) -> None:
    place = "/cds-services/kappredict-patient"
    body = hook_call(prefetched(ehr_bundle(record)))

    def status(secret: str) -> int:
        headers = {"authorization": f"Bearer {secret}"}
        return httpx.post(f"{served.url}{place}", json=body, headers=headers).status_code

    good = token(served, place, "first")
    assert [status(good), status(good)] == [200, 401]
    assert status(token(served, place + "/feedback", "second")) == 401
    assert status(token(served, place, "third", ECKey.generate_key("P-384"))) == 401
    shared = OctKey.import_key("a secret that is long enough for the algorithm")
    assert status(token(served, place, "fourth", shared, "HS256")) == 401
    none = base64.urlsafe_b64encode(b'{"alg":"none","kid":"ehr-1"}').decode().rstrip("=")
    assert status(f"{none}.{good.split('.')[1]}.") == 401


def test_a_browser_may_call_from_the_origins_that_were_named_and_no_other(served: Any) -> None:
    def allowed(origin: str) -> str | None:
        headers = {"origin": origin, "access-control-request-method": "POST"}
        asked = httpx.options(f"{served.url}/cds-services/kappredict-patient", headers=headers)
        return asked.headers.get("access-control-allow-origin")

    assert allowed("https://sandbox.example") == "https://sandbox.example"
    assert allowed("https://elsewhere.example") is None


def test_each_role_does_what_it_may_and_strangers_nothing(
    served: Any, record: dict[str, Any]
) -> None:
    with served.client("researcher") as client:
        assert client.post("/v1/predict", json=record).status_code == 403
        assert client.get("/v1/models").status_code == 200
    with served.client("admin") as client:
        assert client.get("/fhir/AuditEvent").json()["resourceType"] == "Bundle"
    refused = httpx.post(f"{served.url}/v1/predict", json=record)
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[" * 100_000, 400),
        (b"\xff\xfe", 400),
        (b"null", 422),
        (b'{"records": []}', 422),
        (b'{"course": {"condition": "depression", "index_day": 0}, "surprise": 1}', 422),
        (b" " * 9_000_000, 413),
    ],
)
def test_a_body_that_cannot_be_used_is_a_clear_problem(
    served: Any, body: bytes, status: int
) -> None:
    with served.client() as client:
        answer = client.post("/v1/predict", content=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_what_is_wrong_is_named_by_field_and_never_by_value(
    served: Any, record: dict[str, Any]
) -> None:
    record["patient"]["age"] = "forty-marked"
    record["assessments"][0]["value"] = 777.0
    with served.client() as client:
        problem = client.post("/v1/predict", json=record)
        record["patient"]["age"] = 40.0
        second = client.post("/v1/predict", json=record)
    assert [one["pointer"] for one in problem.json()["errors"]] == ["/patient/age"]
    assert [one["pointer"] for one in second.json()["errors"]] == ["/assessments/0/value"]
    assert "marked" not in problem.text
    assert "777" not in second.text


def test_a_changed_bundle_is_served_and_a_corrupt_one_is_not(
    served: Any, models: Path, record: dict[str, Any]
) -> None:
    recipe = next(models.glob("*/response/*/bundle.json"))
    manifest, whole = recipe.with_name("manifest.json"), recipe.read_bytes()
    with served.client() as client:
        before = client.post("/v1/predict", json=record).json()["results"]
        recipe.write_bytes(whole[: len(whole) // 2])
        os.utime(manifest)
        time.sleep(1)
        during = client.post("/v1/predict", json=record).json()["results"]
        recipe.write_bytes(whole)
        os.utime(manifest)
    assert during == before


def test_the_openapi_page_describes_the_record_of_these_models(served: Any) -> None:
    content = httpx.get(f"{served.url}/openapi.json").json()
    assert set(content["paths"]) >= {"/v1/predict", "/fhir/$predict", "/cds-services"}
    example = content["components"]["schemas"]["PatientRecord"]["examples"][0]
    with served.client() as client:
        assert client.post("/v1/predict", content=json.dumps(example)).status_code == 200


def test_the_client_gives_typed_answers_and_clear_errors(
    served: Any, record: dict[str, Any]
) -> None:
    with Client(served.url, served.keys["clinician"]) as client:
        (answer,) = client.predict([record])
        assert {one.outcome for one in answer.answers} == {"response", "relapse"}
        assert client.models()[0]["synthetic"]
        with pytest.raises(DataError, match="/records/0/course"):
            client.predict([{"course": {}}])
    with Client(served.url, "wrong") as client, pytest.raises(RefusedError, match="credentials"):
        client.predict([record])
    with Client("http://127.0.0.1:1") as client, pytest.raises(ServiceError, match="reached"):
        client.predict([record])
