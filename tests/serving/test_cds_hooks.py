"""CDS Hooks: who gets a card, what it says of what it lacks, and what of feedback is kept."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ehr
import pytest

from kappredict.serving import cds_hooks
from kappredict.serving.admission import DEMO
from kappredict.serving.audit import AuditTrail
from kappredict.serving.audit_events import audit_event
from kappredict.serving.cds_cards import OVERRIDES
from kappredict.serving.core import Core, Reply
from kappredict.serving.problems import Problem
from kappredict.serving.together import answer_alone, without_asking

PATIENT, ORDER = cds_hooks.SERVICES
FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
CARD = "4e0a3a1e-3283-4575-ab82-028d55fe2719"


def found(*resources: ehr.Resource, **parts: Any) -> dict[str, Any]:
    entries = [{"resource": one} for one in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **parts}


SCORED = ehr.score(effectiveDateTime=(datetime.now(UTC) - timedelta(days=3)).isoformat())
PREFETCH: dict[str, Any] = {
    "patient": ehr.patient(),
    "conditions": found(ehr.diagnosis()),
    "scores": found(SCORED),
    "questionnaires": found(),
    "medications": None,
    "orders": found(),
    "doses": None,
}


def call(service: cds_hooks.Hook = PATIENT, **changes: Any) -> dict[str, Any]:
    return {
        "hook": service.hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": "p"},
        "prefetch": PREFETCH,
    } | changes


def reply(core: Core, service: cds_hooks.Hook = PATIENT, **changes: Any) -> Reply:
    return answer_alone(cds_hooks.handler(core, service)(call(service, **changes), "r1"))


def cards(core: Core, **changes: Any) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = dict(reply(core, **changes).content)["cards"]
    return made


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in PREFETCH.items() if key != name}


def test_discovery_names_version_and_queries_of_each_service(core: Core) -> None:
    services = cds_hooks.discovery(core.shelf)["services"]
    assert [one["hook"] for one in services] == ["patient-view", "order-select"]
    for one in services:
        assert one["version"]
        assert set(one["prefetch"]) == set(PREFETCH)
        assert "http://loinc.org|44261-6" in one["prefetch"]["scores"]
        assert all("{{context.patientId}}" in query for query in one["prefetch"].values())


def test_a_card_is_as_the_specification_has_it(core: Core) -> None:
    (card,) = cards(core)
    assert re.fullmatch(cds_hooks._UUID, card["uuid"])
    assert re.match("SYNTHETIC. Depression: of 100 like this, .*[0-9]+ respond", card["summary"])
    assert len(card["summary"]) < 140
    assert card["indicator"] == "info"
    assert card["source"]["label"].startswith("kappredict ")
    assert card["links"] == [
        {"label": "Open kappredict", "url": core.settings.url, "type": "absolute"}
    ]
    assert "Patient/p" not in str(card)


@pytest.mark.parametrize("name", ["patient", "conditions"])
@pytest.mark.parametrize("state", ["absent", "failed"])
def test_what_is_needed_and_cannot_be_had_is_412(core: Core, name: str, state: str) -> None:
    prefetch = without(name) if state == "absent" else {**PREFETCH, name: FAILED}
    with pytest.raises(Problem) as refused:
        cards(core, prefetch=prefetch)
    assert refused.value.status == 412
    assert refused.value.faults[0][0] == f"/prefetch/{name}"


def test_no_patient_is_412_and_no_condition_is_nothing_to_say(core: Core) -> None:
    with pytest.raises(Problem) as refused:
        cards(core, prefetch={**PREFETCH, "patient": None})
    assert refused.value.status == 412
    assert cards(core, prefetch={**PREFETCH, "conditions": None}) == []


@pytest.mark.parametrize(
    "name", [name for name in PREFETCH if name not in {"patient", "conditions"}]
)
@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("absent", "Not available from the record: {}"),
        ("failed", "Not available from the record: {}"),
        ("null", "Nothing recorded: .*{}"),
        ("paged", "Only the first page was sent: {}"),
    ],
)
def test_what_else_could_not_be_had_is_said_on_the_card(
    core: Core, name: str, state: str, said: str
) -> None:
    more = found(SCORED, link=[{"relation": "next", "url": "x"}])
    prefetch = {
        "absent": without(name),
        "failed": {**PREFETCH, name: FAILED},
        "null": {**PREFETCH, name: None},
        "paged": {**PREFETCH, name: more},
    }[state]
    (card,) = cards(core, prefetch=prefetch)
    assert re.search(said.format(name), card["detail"])


def test_the_patient_must_be_the_one_of_the_context(core: Core) -> None:
    with pytest.raises(Problem, match="not the patient of the context"):
        cards(core, context={"patientId": "another"})


@pytest.mark.parametrize(
    "changes",
    [
        {"hookInstance": "1"},
        {"hook": "order-sign"},
        {"context": {}},
        {"context": {"patientId": "p" * 300}},
        {"prefetch": {"patient": "text"}},
    ],
)
def test_a_call_that_is_none_is_refused(core: Core, changes: dict[str, Any]) -> None:
    with pytest.raises(Problem) as refused:
        cards(core, **changes)
    assert refused.value.status == 422


SERTRALINE = ehr.order(id="other", medicationCodeableConcept=ehr.coded(ehr.RXNORM, "36437"))
NAMED_ONLY = ehr.order(id="named", medicationCodeableConcept={"text": "ketamine"})


@pytest.mark.parametrize(
    ("selected", "answered"),
    [
        (["MedicationRequest/plan"], True),
        (["MedicationRequest/other", "MedicationRequest/plan"], True),
        (["MedicationRequest/other"], False),  # the ketamine among the drafts was not selected
        (["MedicationRequest/named"], False),  # by its code, never by a name
        (["MedicationRequest/absent"], False),
        ([], False),
    ],
)
def test_an_order_gives_a_card_only_where_a_dose_was_selected(
    core: Core, selected: list[str], answered: bool
) -> None:
    context = {
        "patientId": "p",
        "selections": selected,
        "draftOrders": found(ehr.order(), SERTRALINE, NAMED_ONLY),
    }
    # Nothing is needed of the record where nothing is said.
    prefetch = PREFETCH if answered else {}
    made = cards(core, service=ORDER, context=context, prefetch=prefetch)
    assert bool(made) == answered


def test_a_safety_item_above_zero_is_a_card_of_its_own_that_says_it_is_a_rule(core: Core) -> None:
    asked = ehr.answers({"/44260-8": {"valueInteger": 2}})
    safety, prediction = cards(core, prefetch={**PREFETCH, "questionnaires": found(asked)})
    assert safety["indicator"] == "warning"
    assert safety["summary"].startswith("Rule, no prediction: ")
    assert "Suicidal thoughts" in safety["summary"]
    assert prediction["indicator"] == "info"
    alone = {**PREFETCH, "questionnaires": found(asked), "conditions": None}
    assert [one["indicator"] for one in cards(core, prefetch=alone)] == ["warning"]


def test_only_the_last_answer_to_a_safety_item_counts(core: Core) -> None:
    earlier = ehr.answers({"/44260-8": {"valueInteger": 2}}, authored="2024-01-01T09:00:00Z")
    later = ehr.answers({"/44260-8": {"valueInteger": 0}}, id="q2")
    prefetch = {**PREFETCH, "questionnaires": found(earlier, later)}
    assert [one["indicator"] for one in cards(core, prefetch=prefetch)] == ["info"]


@pytest.mark.parametrize(
    ("feedback", "kept"),
    [
        ({"outcome": "accepted"}, f"{CARD}:accepted"),
        (
            {"outcome": "overridden", "overrideReason": {"reason": {"code": "no-influence"}}},
            f"{CARD}:overridden:no-influence",
        ),
        (
            {
                "outcome": "overridden",
                "overrideReason": {"reason": {"code": "Jane"}, "userComment": "Jane is tired"},
            },
            f"{CARD}:overridden:other",
        ),
    ],
)
def test_what_became_of_a_card_is_kept_without_what_was_written_of_the_patient(
    core: Core, tmp_path: Path, feedback: dict[str, Any], kept: str
) -> None:
    assert "no-influence" in OVERRIDES
    body = {"feedback": [{"card": CARD, **feedback}]}
    asyncio.run(
        core.done(DEMO, "feedback", "r1", b"", without_asking(lambda: cds_hooks.feedback(body)))
    )
    *_, one = AuditTrail.at(str(tmp_path / "audit.db")).read()
    assert one.entry.note == f"feedback {kept}"
    assert {"type": "note", "valueString": f"feedback {kept}"} in audit_event(one)["entity"][0][
        "detail"
    ]


def test_the_cards_that_were_shown_are_kept_so_that_feedback_finds_them(core: Core) -> None:
    made = reply(core)
    (card,) = dict(made.content)["cards"]
    assert made.note == f"cards {card['uuid']}:depression"


@pytest.mark.parametrize(
    "one",
    [{"card": "x", "outcome": "accepted"}, {"card": CARD, "outcome": "liked"}, {"card": CARD}],
)
def test_feedback_that_is_none_is_refused(one: dict[str, Any]) -> None:
    with pytest.raises(Problem) as refused:
        cds_hooks.feedback({"feedback": [one]})
    assert refused.value.status == 422
