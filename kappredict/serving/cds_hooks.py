"""CDS Hooks 2.0: discovery, cards, and what became of them."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kappredict import __version__
from kappredict.serving.answers import CAVEAT, OutcomeAnswer, RecordAnswer
from kappredict.serving.core import Core, Reply
from kappredict.serving.fhir.exchange import answer_bundle
from kappredict.serving.fhir.names import OWN
from kappredict.serving.problems import Problem, faults_of, invalid
from kappredict.serving.shelf import Shelf

_LONGEST_SUMMARY = 139


@dataclass(frozen=True)
class Hook:
    """One service that an EHR may call."""

    id: str
    hook: str
    title: str


SERVICES = (
    Hook("kappredict-patient", "patient-view", "Outlook after ketamine-assisted psychotherapy"),
    Hook("kappredict-order", "order-select", "Outlook before ketamine is ordered"),
)


class _Loose(BaseModel):
    """What an EHR sends: known fields typed, the rest left, as the specification allows."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)


class Context(_Loose):
    """Who is looked at, and by whom."""

    patientId: str = Field(min_length=1)  # noqa: N815  # the specification's name
    userId: str = ""  # noqa: N815


class HookRequest(_Loose):
    """A call of a service. A prefetch value is a resource, or null where the EHR has none."""

    hook: str
    hookInstance: str  # noqa: N815
    context: Context
    prefetch: dict[str, dict[str, Any] | None] = {}


class Feedback(_Loose):
    """What became of one card."""

    card: str
    outcome: str = Field(pattern="^(accepted|overridden)$")
    outcomeTimestamp: str = ""  # noqa: N815


class FeedbackRequest(_Loose):
    """What became of some cards."""

    feedback: list[Feedback] = Field(min_length=1, max_length=100)


def discovery(shelf: Shelf) -> dict[str, Any]:
    """Give the services, with the queries that an EHR may answer beforehand."""
    return {
        "services": [
            {
                "id": one.id,
                "hook": one.hook,
                "title": one.title,
                "description": "Who responds, remits and stays well, with how sure that is.",
                "version": __version__,
                "prefetch": prefetch(shelf),
            }
            for one in SERVICES
        ]
    }


def prefetch(shelf: Shelf) -> dict[str, str]:
    """Give the prefetch templates; the scores are those of the instruments that have a code."""
    here = "patient={{context.patientId}}"
    totals = [one.loinc.total for one in shelf.instruments.values() if one.loinc.total]
    codes = ",".join(f"http://loinc.org|{code}" for code in totals)
    return {
        "patient": "Patient/{{context.patientId}}",
        "conditions": f"Condition?{here}&clinical-status=active,recurrence,relapse",
        "scores": f"Observation?{here}&code={codes}&_sort=-date&_count=50",
        "questionnaires": f"QuestionnaireResponse?{here}&status=completed&_count=50",
        "medications": f"MedicationStatement?{here}&status=active,completed",
        "doses": f"MedicationAdministration?{here}&status=completed",
    }


_NEEDED = ("patient", "conditions")


def handler(core: Core, service: Hook) -> Callable[[Any, str], Reply]:
    """Give what answers calls of a service."""

    def answer(content: Any, request_id: str) -> Reply:
        try:
            request = HookRequest.model_validate(content)
        except ValidationError as error:
            raise invalid(faults_of(error)) from error
        if request.hook != service.hook:
            raise invalid([("/hook", f"must be {service.hook} for this service")])
        bundle = _bundle(request)
        try:
            _, found, reply = answer_bundle(core, bundle, request_id)
        except Problem as problem:
            if any(
                place == "/entry" and "no active Condition" in said
                for place, said in problem.faults
            ):
                return Reply({"cards": []}, (request.context.patientId,), note="nothing to say")
            raise
        url = core.settings.url
        cards = _cards(found, url)
        kept = " ".join(card["uuid"] for card in cards)
        patients, note = (request.context.patientId,), f"cards {kept}"
        return replace(reply, content={"cards": cards}, patients=patients, note=note)

    return answer


def feedback(content: Any, request_id: str) -> Reply:
    """Take what became of cards: the audit trail keeps it by the card's id."""
    del request_id
    try:
        request = FeedbackRequest.model_validate(content)
    except ValidationError as error:
        raise invalid(faults_of(error)) from error
    said = " ".join(f"{one.card[:36]}:{one.outcome}" for one in request.feedback)
    return Reply({}, note=f"feedback {said}")


def _bundle(request: HookRequest) -> dict[str, Any]:
    """Join what was prefetched: absent or an error is 412, null is no data."""
    for name in _NEEDED:
        given = request.prefetch.get(name, {})
        if given == {} or (given or {}).get("resourceType") == "OperationOutcome":
            detail = f"prefetch '{name}' is needed, and this service fetches nothing itself"
            raise Problem(
                HTTPStatus.PRECONDITION_FAILED, detail, [(f"/prefetch/{name}", "is missing")]
            )
    entries: list[dict[str, Any]] = []
    for given in request.prefetch.values():
        if given is None or given.get("resourceType") == "OperationOutcome":
            continue
        inner = (
            given.get("entry", [])
            if given.get("resourceType") == "Bundle"
            else [{"resource": given}]
        )
        entries += inner if isinstance(inner, list) else []
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _cards(found: RecordAnswer, url: str) -> list[dict[str, Any]]:
    """Give one card a condition. A prognosis is no alarm: the indicator is always `info`."""
    grouped: dict[str, list[OutcomeAnswer]] = {}
    for one in found.answers:
        grouped.setdefault(one.condition, []).append(one)
    return [_card(name, answers, url) for name, answers in grouped.items()]


def _card(condition: str, answers: list[OutcomeAnswer], url: str) -> dict[str, Any]:
    given = [one for one in answers if one.probability is not None]
    said = "; ".join(_short(one) for one in given)
    synthetic = "SYNTHETIC. " if any(one.synthetic for one in answers) else ""
    summary = (
        f"{synthetic}{condition}: of 100 like this {said}"
        if given
        else (f"{synthetic}{condition}: no prediction")
    )
    return {
        "uuid": str(uuid.uuid4()),
        "summary": summary if len(summary) <= _LONGEST_SUMMARY else summary[:138] + "…",
        "indicator": "info",
        "source": {
            "label": f"kappredict {__version__}",
            "url": url,
            "topic": {
                "system": f"{OWN}/CodeSystem/topic",
                "code": "outlook",
                "display": "Outlook",
            },
        },
        "detail": _detail(answers),
        "overrideReasons": [
            {
                "system": f"{OWN}/CodeSystem/override",
                "code": "not-representative",
                "display": "My patient differs from the people the model was made from",
            }
        ],
        "links": [{"label": "Open kappredict", "url": url, "type": "absolute"}],
    }


def _short(one: OutcomeAnswer) -> str:
    number = one.natural_frequency.number if one.natural_frequency else 0
    words = {"response": "respond", "remission": "remit"}
    return f"{number} {words.get(one.outcome, 'stay well')}"


def _detail(answers: list[OutcomeAnswer]) -> str:
    lines = ["| Outcome | Of 100 | Nine of ten cases | Usual |", "|---|---|---|---|"]
    for one in answers:
        if one.probability is None or one.interval is None or one.base_rate is None:
            lines.append(f"| {one.outcome} | no prediction | {one.no_prediction} | |")
            continue
        span = f"{one.interval.low * 100:.0f} to {one.interval.high * 100:.0f}"
        usual = f"{one.base_rate * 100:.0f}"
        name = "staying well" if one.curve else one.outcome
        lines.append(f"| {name} | {one.probability * 100:.0f} | {span} | {usual} |")
    reasons = [f"- {one.outcome}: {said.sentence}" for one in answers for said in one.reasons[:3]]
    return "\n".join([*lines, "", *reasons, "", CAVEAT])
