"""The web application: routes, each with its act, its work and its documentation."""

import secrets
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import FileResponse, Response

from kappredict import __version__
from kappredict.errors import KappredictError
from kappredict.explanation.inputs import inputs
from kappredict.serving import cds_hooks
from kappredict.serving.answers import PredictAnswer, WhatIfAnswer
from kappredict.serving.audit_events import audit_bundle
from kappredict.serving.core import Core, Reply, model_facts
from kappredict.serving.fhir.capability import capability_statement, operation_definition
from kappredict.serving.fhir.exchange import predict_bundle
from kappredict.serving.principals import Act, Principal
from kappredict.serving.problems import MEDIA_TYPE, Problem
from kappredict.serving.schemas import MOST_RECORDS
from kappredict.serving.shields import StrictHeaders, parsed_json, read_body

_PAGE = Path(__file__).with_name("page")
_FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/drawing.js": ("drawing.js", "text/javascript"),
}
_FHIR = "application/fhir+json"
# One patient is answered sooner in the event loop than by a thread.
_SMALL = 100_000
_RESOURCE: dict[int | str, dict[str, Any]] = {
    200: {"description": "OK", "content": {_FHIR: {"schema": {"type": "object"}}}}
}
Work = Callable[[Any, str], Reply]

EXAMPLE: dict[str, Any] = {
    "patient": {"patient_id": "example-1", "age": 41, "sex": "female"},
    "course": {"condition": "CONDITION", "index_day": 0, "planned_route": "iv"},
    "assessments": [{"day": -3, "instrument": "INSTRUMENT", "value": 19}],
}


class ProblemDocument(BaseModel):
    """RFC 9457: what went wrong; `errors` names each field by JSON pointer."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] = []


def make_app(core: Core) -> FastAPI:
    """Make the application around an opened core."""
    app = FastAPI(
        title="kappredict",
        version=__version__,
        description="Who will respond, remit and stay well after ketamine-assisted psychotherapy. "
        "Predictions are associations, not advice. Research use.",
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
    app.add_exception_handler(Exception, _unexpected)
    app.add_middleware(StrictHeaders)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=core.settings.origins.split(),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
    )
    app.add_api_route("/openapi.json", _openapi(app, core), include_in_schema=False)
    return app


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
            responses=_problems(400, 401, 403, 408, 413, 422, 429, 503),
            openapi_extra={"requestBody": _request(action)},
        )


def _definitions(app: FastAPI, core: Core) -> None:
    """Route what there is to know of models and definitions."""
    found: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
        "conditions": ("The conditions, as the models define them", lambda: _conditions(core)),
        "models": ("The models, with a short card and digests each", lambda: _models(core)),
        "instruments": ("The instruments, with items and ranges", lambda: _instruments(core)),
        "inputs": ("What can be entered, for a form", lambda: _inputs(core)),
    }
    for action, (summary, work) in found.items():
        app.add_api_route(
            f"/v1/{action}",
            _looked_up(core, work),
            methods=["GET"],
            summary=summary,
            operation_id=action,
            tags=["definitions"],
            responses=_problems(401, 403, 429),
        )


def _records(app: FastAPI, core: Core) -> None:
    """Route what speaks FHIR, and CDS Hooks."""

    def fhir(body: Any, request_id: str) -> Reply:
        return predict_bundle(core, body, request_id)

    app.add_api_route(
        "/fhir/$predict",
        _asked(core, "fhir-predict", fhir),
        methods=["POST"],
        tags=["FHIR"],
        response_class=Response,
        summary="A Bundle about one patient → a Bundle of RiskAssessment",
        openapi_extra={"requestBody": _any_object()},
        responses=_RESOURCE | _problems(400, 401, 403, 413, 422, 429, 503),
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
        )
    app.add_api_route(
        "/fhir/AuditEvent",
        _looked_up(core, lambda: audit_bundle(core.trail), "audit", _FHIR),
        methods=["GET"],
        tags=["FHIR"],
        response_class=Response,
        summary="The last entries of the audit trail (IHE BALP)",
        responses=_RESOURCE | _problems(401, 403, 429),
    )
    app.add_api_route(
        "/cds-services",
        _open_to_all(lambda: cds_hooks.discovery(core.shelf)),
        methods=["GET"],
        tags=["CDS Hooks"],
        summary="Discovery",
    )
    for one in cds_hooks.SERVICES:
        app.add_api_route(
            f"/cds-services/{one.id}",
            _asked(core, one.id, cds_hooks.handler(core, one)),
            methods=["POST"],
            tags=["CDS Hooks"],
            summary=one.title,
            openapi_extra={"requestBody": _any_object()},
            responses=_problems(400, 401, 403, 412, 413, 422, 429, 503),
        )
        app.add_api_route(
            f"/cds-services/{one.id}/feedback",
            _asked(core, f"{one.id}-feedback", cds_hooks.feedback),
            methods=["POST"],
            tags=["CDS Hooks"],
            summary="What became of a card",
            openapi_extra={"requestBody": _any_object()},
            responses=_problems(400, 401, 403, 413, 422, 429, 503),
        )


def _page(app: FastAPI, core: Core) -> None:
    """Route the page and its files, which hold no data."""
    for path, (name, media_type) in _FILES.items():
        app.add_api_route(path, _file(_PAGE / name, media_type), include_in_schema=False)
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
    )


def _asked(core: Core, action: str, work: Work) -> Callable[[Request], Any]:
    """Answer a request about a patient: authenticated, limited, parsed, done and audited."""

    async def answer(request: Request) -> Response:
        who = _admitted(core, request, "predict")
        body = await read_body(request.receive, request.headers, core.settings.most_bytes)
        name = secrets.token_hex(8)
        todo = (who, action, name, body, lambda: work(parsed_json(body), name))
        if len(body) < _SMALL:
            content, media_type = core.done(*todo)
        else:
            content, media_type = await run_in_threadpool(core.done, *todo)
        return Response(content, media_type=media_type, headers={"X-Request-Id": name})

    return answer


def _looked_up(
    core: Core,
    work: Callable[[], dict[str, Any]],
    act: Act = "inspect",
    media_type: str = "application/json",
) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        _admitted(core, request, act)
        return Response(Core.written(await run_in_threadpool(work)), media_type=media_type)

    return answer


def _open_to_all(
    work: Callable[[], dict[str, Any]], media_type: str = "application/json"
) -> Callable[[], Any]:
    async def answer() -> Response:
        return Response(Core.written(work()), media_type=media_type)

    return answer


def _file(path: Path, media_type: str) -> Callable[[], Any]:
    async def answer() -> FileResponse:
        return FileResponse(path, media_type=media_type)

    return answer


def _admitted(core: Core, request: Request, act: Act) -> Principal:
    place = core.settings.url.rstrip("/") + request.url.path
    who = core.principal(request.headers.get("authorization", ""), place)
    core.allow(who, act)
    return who


def _conditions(core: Core) -> dict[str, Any]:
    return {
        "conditions": [
            {
                "id": name,
                "label": models[0].bundle.recipe.condition.label,
                "outcomes": [{"name": one.name, "definition": one.definition} for one in models],
                "definition": models[0].bundle.recipe.condition.model_dump(mode="json"),
            }
            for name, models in core.shelf.by_condition.items()
        ]
    }


def _models(core: Core) -> dict[str, Any]:
    return {"models": [model_facts(one) for one in core.shelf.models.values()]}


def _instruments(core: Core) -> dict[str, Any]:
    return {"instruments": [one.model_dump(mode="json") for one in core.shelf.instruments.values()]}


def _inputs(core: Core) -> dict[str, Any]:
    """Give what can be entered for each condition, of all its models together."""
    return {
        "conditions": [
            {
                "id": name,
                "label": models[0].bundle.recipe.condition.label,
                "primary": models[0].bundle.recipe.condition.primary.instrument,
                "inputs": [
                    vars(one)
                    for one in {
                        one.name: one for model in models for one in inputs(model.bundle)
                    }.values()
                ],
            }
            for name, models in core.shelf.by_condition.items()
        ]
    }


async def _http(_: Request, error: Exception) -> Response:
    status = HTTPStatus(getattr(error, "status_code", 500))
    detail = {404: "there is nothing at this address", 405: "this method is not for this address"}
    return Problem(status, detail.get(status, status.phrase)).response()


async def _unexpected(_: Request, error: Exception) -> Response:
    """Answer what nobody foresaw without a traceback, which might hold a value."""
    detail = str(error) if isinstance(error, KappredictError) else "the service failed"
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail).response()


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def _any_object() -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}


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
    schema = changed if action == "what-if" else {"anyOf": [record, many]}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _openapi(app: FastAPI, core: Core) -> Callable[[], Any]:
    """Describe the interface with the record type of the bundles that are served now."""

    async def document() -> Response:
        content = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        template = "#/components/schemas/{model}"
        record = core.shelf.record_type.model_json_schema(ref_template=template)
        problem = ProblemDocument.model_json_schema(ref_template=template)
        schemas = content["components"]["schemas"]
        schemas |= record.pop("$defs", {}) | {"PatientRecord": record, "Problem": problem}
        record["examples"] = [example(core)]
        content["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        content["security"] = [{"key": []}]
        return Response(Core.written(content), media_type="application/json")

    return document


def example(core: Core) -> dict[str, Any]:
    """Give a record that the first model answers."""
    first = core.shelf.bundles[0].recipe
    instrument = first.instruments[first.condition.primary.instrument]
    middle = float(round((instrument.total.low + instrument.total.high) * 0.7))
    return {
        **EXAMPLE,
        "course": {**EXAMPLE["course"], "condition": first.condition.id},
        "assessments": [{"day": -3, "instrument": instrument.id, "value": middle}],
    }
