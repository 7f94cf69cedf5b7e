"""CDS Hooks 2.0: discovery, calls, and what became of cards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kappredict import __version__
from kappredict.data.fhir.elements import Definitions, Resource, part, parts, text
from kappredict.data.fhir.facts import DOSE, medicine
from kappredict.domain.terminology import LOINC
from kappredict.serving.cds_cards import OVERRIDES, prediction_cards, safety_card
from kappredict.serving.core import Core, Reply
from kappredict.serving.fhir.exchange import answered, read_bundle
from kappredict.serving.problems import Problem, faults_of, invalid
from kappredict.serving.shelf import Shelf
from kappredict.serving.together import Asks

_UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_ORDERS = "order-select"
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Hook:
    """One service that an EHR may call."""

    id: str
    hook: str
    title: str


SERVICES = (
    Hook("kappredict-patient", "patient-view", "Outlook after ketamine-assisted psychotherapy"),
    Hook("kappredict-order", _ORDERS, "Outlook before ketamine is ordered"),
)


class _Loose(BaseModel):
    """What an EHR sends: known fields typed, the rest left, as the specification allows."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)


class Context(_Loose):
    """Who is looked at, by whom, and for `order-select` what was just selected."""

    patientId: str = Field(min_length=1, max_length=200)  # noqa: N815  # the specification's name
    userId: str = ""  # noqa: N815
    selections: list[str] = []
    draftOrders: dict[str, Any] = {}  # noqa: N815


class HookRequest(_Loose):
    """A call of a service. A prefetch value is a resource, or null where the EHR has none."""

    hook: str
    hookInstance: str = Field(pattern=_UUID)  # noqa: N815
    context: Context
    prefetch: dict[str, dict[str, Any] | None] = {}


class _Reason(_Loose):
    code: str = ""


class _Override(_Loose):
    reason: _Reason = _Reason()


class Feedback(_Loose):
    """What became of one card."""

    card: str = Field(pattern=_UUID)
    outcome: str = Field(pattern="^(accepted|overridden)$")
    overrideReason: _Override | None = None  # noqa: N815

    @property
    def said(self) -> str:
        """The card, its outcome and the reason's code: no comment, which may name the patient."""
        code = self.overrideReason.reason.code if self.overrideReason else ""
        kept = f":{code if code in OVERRIDES else 'other'}" if self.overrideReason else ""
        return f"{self.card}:{self.outcome}{kept}"


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
                "usageRequirements": "`patient` and `conditions` are needed; the rest says more.",
            }
            for one in SERVICES
        ]
    }


_NEEDED = ("patient", "conditions")


def prefetch(shelf: Shelf) -> dict[str, str]:
    """Give the prefetch templates; the scores are those of the instruments that have a code."""
    here = "patient={{context.patientId}}"
    totals = [one.loinc.total for one in shelf.instruments.values() if one.loinc.total]
    items = [
        item.loinc
        for one in shelf.instruments.values()
        for item in one.items
        if item.loinc and item.never_filled_in
    ]
    measured = shelf.definitions.terms["measurements"]
    weights = [code for system, code in measured if system == LOINC]
    scores = ",".join(f"{LOINC}|{code}" for code in [*totals, *items, *weights])
    return {
        "patient": "Patient/{{context.patientId}}",
        "conditions": f"Condition?{here}&clinical-status=active,recurrence,relapse",
        "scores": f"Observation?{here}&code={scores}&_sort=-date&_count=50",
        "questionnaires": f"QuestionnaireResponse?{here}&status=completed&_count=50",
        "medications": f"MedicationStatement?{here}&status=active,completed",
        "orders": f"MedicationRequest?{here}&status=active,completed",
        "doses": f"MedicationAdministration?{here}&status=completed",
    }


def handler(core: Core, service: Hook) -> Callable[[Any, str], Asks[Reply]]:
    """Give what answers calls of a service."""

    def answer(content: Any, request_id: str) -> Asks[Reply]:
        request = _checked(HookRequest, content)
        if request.hook != service.hook:
            raise invalid([("/hook", f"must be {service.hook} for this service")])
        who = (request.context.patientId,)
        shelf = core.shelf
        wanted = service.hook == _ORDERS
        orders = _selected_doses(request.context, shelf.definitions) if wanted else []
        if wanted and not orders:
            return Reply({"cards": []}, who, note="no dose among what was selected")
        fetched = _fetched(request, tuple(prefetch(shelf)))
        entries = [*({"resource": one} for one in orders), *fetched.entries]
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
        patient, read = read_bundle(shelf, bundle)
        cards = safety_card(read.record, core.settings.url)
        reply = Reply({}, who)
        if read.conditions:
            done = yield from answered(core, patient, read, request_id)
            cards |= prediction_cards(done.answer, shelf, fetched.lacking, core.settings.url)
            reply = done.reply
        content = {"cards": list(cards.values())}
        return replace(reply, content=content, patients=who, note=_kept(cards))

    return answer


def feedback(content: Any) -> Reply:
    """Take what became of cards: the audit trail keeps it by the card's id."""
    request = _checked(FeedbackRequest, content)
    return Reply({}, note=f"feedback {' '.join(one.said for one in request.feedback)}")


def _kept(cards: Mapping[str, Mapping[str, Any]]) -> str:
    """Say for the audit trail which cards were shown, so that feedback finds them."""
    return " ".join(["cards", *(f"{one['uuid']}:{name}" for name, one in cards.items())])


def _checked(kind: type[Model], content: Any) -> Model:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise invalid(faults_of(error)) from error


def _selected_doses(context: Context, known: Definitions) -> list[Resource]:
    """Give the selected draft orders that are of the dose, by their code and never by a name."""
    drafts = [part(each, "resource") for each in parts(context.draftOrders, "entry")]
    found = {f"{text(one, 'resourceType')}/{text(one, 'id')}": one for one in drafts}
    return [
        found[name]
        for name in context.selections
        if name in found and DOSE in medicine(found[name], found, known)
    ]


@dataclass(frozen=True)
class Fetched:
    """What was prefetched, as entries of a Bundle, and sentences on what was not."""

    entries: list[dict[str, Any]]
    lacking: list[str]


def _fetched(request: HookRequest, keys: tuple[str, ...]) -> Fetched:
    """Join what was prefetched. A key has three states beside its resource.

    Absent: the EHR did not look; an OperationOutcome: it could not; null: it looked, and there is
    nothing. What is needed and cannot be had is 412; the rest is said on the card.

    Raises
    ------
    Problem
        412, or 422 where the patient is not the one of the context.
    """
    given = request.prefetch
    unread = [name for name in keys if name not in given or _failed(given[name])]
    for name in _NEEDED:
        if name in unread or (name == _NEEDED[0] and given[name] is None):
            detail = f"prefetch '{name}' is needed, and this service fetches nothing itself"
            fault = (f"/prefetch/{name}", "cannot be had")
            raise Problem(HTTPStatus.PRECONDITION_FAILED, detail, [fault])
    if text(given[_NEEDED[0]], "id") != request.context.patientId:
        raise invalid([(f"/prefetch/{_NEEDED[0]}", "is not the patient of the context")])
    entries = {name: _entries(given[name]) for name in keys if name not in unread}
    empty = [name for name, found in entries.items() if not found]
    cut = [name for name in entries if _has_more(given[name])]
    said = {
        "Not available from the record": unread,
        "Nothing recorded": empty,
        "Only the first page was sent": cut,
    }
    lacking = [f"{what}: {', '.join(names)}" for what, names in said.items() if names]
    return Fetched([one for found in entries.values() for one in found], lacking)


def _failed(resource: Resource | None) -> bool:
    return text(resource, "resourceType") == "OperationOutcome"


def _entries(resource: Resource | None) -> list[dict[str, Any]]:
    """Give the resources of a search, or the one that was read; notes of the search are none."""
    if resource is None:
        return []
    if text(resource, "resourceType") != "Bundle":
        return [{"resource": resource}]
    return [dict(one) for one in parts(resource, "entry") if not _failed(one.get("resource"))]


def _has_more(resource: Resource | None) -> bool:
    return any(one.get("relation") == "next" for one in parts(resource, "link"))
