"""The web application: routes, each with its act, its work and its documentation."""

import secrets
from collections.abc import Callable
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import FileResponse, Response

from kappredict import __version__
from kappredict.serving import cds_hooks, lists, safety
from kappredict.serving.admission import Asking
from kappredict.serving.answers import PredictAnswer, WhatIfAnswer
from kappredict.serving.audit_events import audit_bundle
from kappredict.serving.core import Core, Reply
from kappredict.serving.description import TEMPLATE, openapi
from kappredict.serving.fhir.capability import capability_statement, operation_definition
from kappredict.serving.fhir.exchange import predict_bundle
from kappredict.serving.form import form_inputs
from kappredict.serving.guard import Guard
from kappredict.serving.metrics import MEDIA_TYPE as METRICS_TYPE
from kappredict.serving.metrics import State
from kappredict.serving.principals import Act
from kappredict.serving.problems import MEDIA_TYPE, Problem
from kappredict.serving.schemas import MOST_RECORDS
from kappredict.serving.scoring import Items, ScoreAnswer, score
from kappredict.serving.settings import LOOPBACK_NAMES
from kappredict.serving.shields import parsed_json, read_body
from kappredict.serving.together import Asks, without_asking

_PAGE = Path(__file__).with_name("page")
# BentoML carries Swagger UI, which shows the interface's description.
_CARRIED = Path(str(files("bentoml"))) / "_internal/server/static_content"
_SWAGGER = ("swagger-ui.css", "swagger-ui-bundle.js")
_ADDRESSES = {"page.html": "/", "docs.html": "/docs"}
_MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_FHIR = "application/fhir+json"
_RESOURCE: dict[int | str, dict[str, Any]] = {
    200: {"description": "OK", "content": {_FHIR: {"schema": {"type": "object"}}}}
}
_OPEN: dict[str, Any] = {"security": []}  # asks for no credentials
Work = Callable[[Any, str], Asks[Reply]]

_BUNDLE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "resourceType": {"const": "Bundle"},
        "entry": {"type": "array", "items": {"type": "object"}, "minItems": 1},
    },
    "required": ["resourceType", "entry"],
}


_WHAT = (
    "Who will respond, remit and stay well after ketamine-assisted psychotherapy. "
    "Predictions are associations, not advice. Research use."
)
_DEMO = "**DEMO: no credentials are asked for, on this machine only.** "


def make_app(core: Core) -> FastAPI:
    """Make the application around an opened core."""
    app = FastAPI(
        title="kappredict",
        version=__version__,
        description=(_DEMO if core.settings.demo else "") + _WHAT,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.core = core
    _predictions(app, core)
    _definitions(app, core)
    _records(app, core)
    _page(app, core)
    app.add_exception_handler(Problem, lambda _, problem: problem.response())
    app.add_exception_handler(HTTPException, _http)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=core.settings.origins.split(),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
    )
    app.add_middleware(Guard, metrics=core.metrics, hosts=_hosts(core))
    app.add_api_route("/openapi.json", openapi(app, core), include_in_schema=False)
    app.add_api_route("/metrics", _metrics(core), include_in_schema=False)
    return app


def _hosts(core: Core) -> list[str]:
    """Give the names that a demo is called by; a service with credentials takes any."""
    own = urlsplit(core.settings.url).hostname or ""
    return [own, *LOOPBACK_NAMES] if core.settings.demo else []


def _predictions(app: FastAPI, core: Core) -> None:
    """Route what is asked about a patient."""
    routes: tuple[tuple[str, Work, type[BaseModel], str], ...] = (
        ("predict", core.predict, PredictAnswer, "Predict for one record, or up to 1,000"),
        (
            "explain",
            lambda body, name: core.predict(body, name, reasons=None),
            PredictAnswer,
            "Predict with every reason, not only the strongest",
        ),
        ("what-if", core.what_if, WhatIfAnswer, "Predict as it is, and with some inputs changed"),
        (
            "score",
            lambda body, _: without_asking(lambda: score(core.shelf, body)),
            ScoreAnswer,
            "Score a questionnaire",
        ),
    )
    for action, work, answer, summary in routes:
        app.add_api_route(
            f"/v1/{action}",
            _asked(core, action, work),
            methods=["POST"],
            response_model=answer,
            summary=summary,
            operation_id=action,
            tags=["predictions"],
            responses=_problems(400, 401, 403, 408, 413, 415, 422, 429, 503),
            openapi_extra={"requestBody": _request(action)},
        )


def _definitions(app: FastAPI, core: Core) -> None:
    """Route what there is to know of models and definitions."""
    found: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
        "conditions": (
            "The conditions, as the models define them",
            lambda: lists.conditions(core.shelf),
        ),
        "models": (
            "The models, with a short card and digests each",
            lambda: lists.models(core.shelf),
        ),
        "instruments": (
            "The instruments, with items and ranges",
            lambda: lists.instruments(core.shelf),
        ),
        "inputs": ("What can be entered, for a form", lambda: form_inputs(core.shelf)),
        "safety": ("What a clinician must judge, with its sources", safety.listed),
    }
    for action, (summary, work) in found.items():
        app.add_api_route(
            f"/v1/{action}",
            _looked_up(core, action, work),
            methods=["GET"],
            summary=summary,
            operation_id=action,
            tags=["definitions"],
            responses=_problems(401, 403, 429, 503),
        )


def _records(app: FastAPI, core: Core) -> None:
    """Route what speaks FHIR, and CDS Hooks."""

    def fhir(body: Any, request_id: str) -> Asks[Reply]:
        return predict_bundle(core, body, request_id)

    app.add_api_route(
        "/fhir/$predict",
        _asked(core, "fhir-predict", fhir),
        methods=["POST"],
        tags=["FHIR"],
        response_class=Response,
        summary="A Bundle about one patient → a Bundle of RiskAssessment",
        openapi_extra={"requestBody": _body(_BUNDLE)},
        responses=_RESOURCE | _problems(400, 401, 403, 408, 413, 415, 422, 429, 503),
    )
    described: dict[str, Callable[[], dict[str, Any]]] = {
        "metadata": lambda: capability_statement(core.settings.url),
        "OperationDefinition/predict": operation_definition,
    }
    for place, document in described.items():
        app.add_api_route(
            f"/fhir/{place}",
            _open_to_all(document, _FHIR),
            methods=["GET"],
            tags=["FHIR"],
            response_class=Response,
            summary=place,
            responses=_RESOURCE,
            openapi_extra=_OPEN,
        )
    app.add_api_route(
        "/fhir/AuditEvent",
        _audit(core),
        methods=["GET"],
        tags=["FHIR"],
        response_class=Response,
        summary="The last entries of the audit trail (IHE BALP)",
        responses=_RESOURCE | _problems(401, 403, 429, 503),
    )
    app.add_api_route(
        "/cds-services",
        _open_to_all(lambda: cds_hooks.discovery(core.shelf)),
        methods=["GET"],
        tags=["CDS Hooks"],
        summary="Discovery",
        openapi_extra=_OPEN,
    )
    for one in cds_hooks.SERVICES:
        app.add_api_route(
            f"/cds-services/{one.id}",
            _asked(core, one.id, cds_hooks.handler(core, one)),
            methods=["POST"],
            tags=["CDS Hooks"],
            summary=one.title,
            openapi_extra={"requestBody": _sent(cds_hooks.HookRequest)},
            responses=_problems(400, 401, 403, 408, 412, 413, 415, 422, 429, 503),
        )
        app.add_api_route(
            f"/cds-services/{one.id}/feedback",
            _asked(
                core,
                f"{one.id}-feedback",
                lambda body, _: without_asking(lambda: cds_hooks.feedback(body)),
            ),
            methods=["POST"],
            tags=["CDS Hooks"],
            summary="What became of a card",
            openapi_extra={"requestBody": _sent(cds_hooks.FeedbackRequest)},
            responses=_problems(400, 401, 403, 408, 413, 415, 422, 429, 503),
        )


def _page(app: FastAPI, core: Core) -> None:
    """Route the page and its files, which hold no data."""
    for file in (*sorted(_PAGE.iterdir()), *(_CARRIED / name for name in _SWAGGER)):
        path = _ADDRESSES.get(file.name, f"/{file.name}")
        answer = _file(file, _MEDIA_TYPES[file.suffix])
        app.add_api_route(path, answer, include_in_schema=False)
    app.add_api_route(
        "/v1/about",
        _open_to_all(
            lambda: {
                "version": __version__,
                "demo": core.settings.demo,
                "synthetic": any(one.recipe.study.synthetic for one in core.shelf.bundles),
            }
        ),
        methods=["GET"],
        tags=["definitions"],
        summary="What this service is",
        operation_id="about",
        openapi_extra=_OPEN,
    )


def _asked(core: Core, action: str, work: Work) -> Callable[[Request], Any]:
    """Answer a request about a patient: authenticated, limited, parsed, done and audited."""
    most, patience = core.settings.most_bytes, core.settings.patience

    async def answer(request: Request) -> Response:
        who = await core.admitted(_asking(core, request, "predict", action))
        name, body = secrets.token_hex(8), b""
        refused: Problem | None = None
        try:
            body = await read_body(request.receive, request.headers, most, patience)
        except Problem as problem:
            refused = problem

        def reply() -> Asks[Reply]:
            if refused is not None:
                raise refused
            return (yield from work(parsed_json(body), name))

        content, media_type = await core.done(who, action, name, body, reply())
        return Response(content, media_type=media_type, headers={"X-Request-Id": name})

    return answer


def _looked_up(
    core: Core, action: str, work: Callable[[], dict[str, Any]]
) -> Callable[[Request], Any]:
    """Answer what is no patient's."""

    async def answer(request: Request) -> Response:
        await core.admitted(_asking(core, request, "inspect", action))
        content = Core.written(await run_in_threadpool(work))
        return Response(content, media_type="application/json")

    return answer


def _audit(core: Core) -> Callable[[Request], Any]:
    """Show the trail; that it was read is on it, too."""

    async def answer(request: Request) -> Response:
        who = await core.admitted(_asking(core, request, "audit", "audit-read"))
        content = await run_in_threadpool(audit_bundle, core.trail)
        name = secrets.token_hex(8)
        shown = without_asking(lambda: Reply(content, media_type=_FHIR))
        written, media_type = await core.done(who, "audit-read", name, b"", shown)
        return Response(written, media_type=media_type, headers={"X-Request-Id": name})

    return answer


def _open_to_all(
    work: Callable[[], dict[str, Any]], media_type: str = "application/json"
) -> Callable[[], Any]:
    async def answer() -> Response:
        return Response(Core.written(work()), media_type=media_type)

    return answer


def _metrics(core: Core) -> Callable[[], Any]:
    """Show what the service did and what it serves, for Prometheus."""

    async def answer() -> Response:
        bundles = [(one.name, one.digest) for one in core.shelf.models.values()]
        state = State(bundles, len(core.shelf.refused), audited=core.scribe.well)
        content = await run_in_threadpool(core.metrics.exposition, state)
        return Response(content, media_type=METRICS_TYPE)

    return answer


def _file(path: Path, media_type: str) -> Callable[[], Any]:
    async def answer() -> FileResponse:
        return FileResponse(path, media_type=media_type)

    return answer


def _asking(core: Core, request: Request, act: Act, action: str) -> Asking:
    place = core.settings.url.rstrip("/") + request.url.path
    address = request.client.host if request.client else ""
    return Asking(request.headers.get("authorization", ""), place, address, act, action)


async def _http(_: Request, error: Exception) -> Response:
    """Answer what is no route of ours as a problem, too; a 405 names the methods that there are."""
    status = HTTPStatus(getattr(error, "status_code", 404))
    detail = {404: "there is nothing at this address", 405: "this method is not for this address"}
    headers = getattr(error, "headers", None) or {}
    return Problem(status, detail.get(status, status.phrase), **headers).response()


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _sent(model: type[BaseModel]) -> dict[str, Any]:
    return _body({"$ref": TEMPLATE.format(model=model.__name__)})


def _request(action: str) -> dict[str, Any]:
    record = {"$ref": "#/components/schemas/PatientRecord"}
    many = {
        "type": "object",
        "properties": {
            "records": {"type": "array", "items": record, "minItems": 1, "maxItems": MOST_RECORDS}
        },
        "required": ["records"],
        "additionalProperties": False,
    }
    changes = {
        "type": "object",
        "additionalProperties": {"type": ["number", "string", "boolean", "null"]},
    }
    changed = {
        "type": "object",
        "properties": {"record": record, "changes": changes},
        "required": ["record", "changes"],
        "additionalProperties": False,
    }
    schemas = {"what-if": changed, "score": Items.model_json_schema()}
    return _body(schemas.get(action, {"anyOf": [record, many]}))
