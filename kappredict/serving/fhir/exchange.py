"""One exchange in FHIR: a Bundle about a patient in, a Bundle of RiskAssessment out."""

from dataclasses import replace
from typing import Any

from kappredict.serving.answers import RecordAnswer
from kappredict.serving.core import Core, Reply
from kappredict.serving.fhir.read import Read, read_bundle
from kappredict.serving.fhir.values import Definitions
from kappredict.serving.fhir.write import result_bundle
from kappredict.serving.problems import invalid
from kappredict.serving.shelf import Shelf


def predict_bundle(core: Core, content: Any, request_id: str) -> Reply:
    """Answer a Bundle.

    Raises
    ------
    Problem
        422, if it is no Bundle about one patient with a condition that a model is for.
    """
    read, answer, reply = answer_bundle(core, content, request_id)
    return replace(
        reply,
        content=result_bundle(answer, read, request_id),
        patients=(read.patient,),
        media_type="application/fhir+json",
    )


def answer_bundle(core: Core, content: Any, request_id: str) -> tuple[Read, RecordAnswer, Reply]:
    """Read a Bundle, and answer it as `/v1/predict` answers the same record."""
    read = read_bundle(content, definitions(core.shelf))
    if not read.conditions:
        known = ", ".join(core.shelf.by_condition)
        raise invalid([("/entry", f"holds no active Condition that a model is for ({known})")])
    reply = core.predict(read.record, request_id)
    return read, reply.content.results[0], reply  # type: ignore[union-attr]


def definitions(shelf: Shelf) -> Definitions:
    """Give what codes are looked up in."""
    found = {name: models[0].bundle.recipe.condition for name, models in shelf.by_condition.items()}
    return Definitions(found, shelf.instruments)
