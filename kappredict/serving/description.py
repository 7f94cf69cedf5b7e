"""The OpenAPI description of the service, with the record type of what it serves now."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.responses import Response

from kappredict.serving import cds_hooks
from kappredict.serving.core import Core

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


TEMPLATE = "#/components/schemas/{model}"
_MODELS: dict[str, type[BaseModel]] = {
    "Problem": ProblemDocument,
    "HookRequest": cds_hooks.HookRequest,
    "FeedbackRequest": cds_hooks.FeedbackRequest,
}


def openapi(app: FastAPI, core: Core) -> Callable[[], Any]:
    """Describe the interface with the record type of the bundles that are served now."""

    async def document() -> Response:
        content = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        record = core.shelf.record_type.model_json_schema(ref_template=TEMPLATE)
        schemas = content["components"]["schemas"]
        schemas |= record.pop("$defs", {}) | {"PatientRecord": record}
        for name, model in _MODELS.items():
            schema = model.model_json_schema(ref_template=TEMPLATE)
            schemas |= schema.pop("$defs", {}) | {name: schema}
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
