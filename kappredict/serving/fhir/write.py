"""Answers as FHIR R4 RiskAssessment, marked as made by a machine; no verbal risk band.

One RiskAssessment a model: R4 has one `performer` and one `method`, and `basis` is of what that
model used. Probabilities are on the scale from 0 to 1 (R4's text says percentages, and its own
example does not).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kappredict.data.fhir.patient import PatientRead
from kappredict.data.fhir.reading import Issue, Located
from kappredict.domain.terminology import OWN
from kappredict.serving.answers import CAVEAT, Interval, OutcomeAnswer, RecordAnswer
from kappredict.serving.core import Reply
from kappredict.serving.fhir.basis import basis
from kappredict.serving.fhir.device import model_card, model_device
from kappredict.serving.fhir.names import OBSERVATION_VALUE, OWN_MODEL, OWN_OUTCOME, extension
from kappredict.serving.fhir.periods import relative_window, when_period
from kappredict.serving.shelf import Shelf, Shelved

SYNTHETIC = "SYNTHETIC: the model was trained on simulated patients."
_REASONS = 5


@dataclass(frozen=True)
class Exchanged:
    """What was read of a Bundle, and what is said of it."""

    patient: Located
    read: PatientRead
    reply: Reply

    @property
    def answer(self) -> RecordAnswer:
        """The answer to the one record."""
        found: RecordAnswer = self.reply.content.results[0]  # type: ignore[union-attr]
        return found


def result_bundle(done: Exchanged, request_id: str, shelf: Shelf, url: str) -> dict[str, Any]:
    """Give a collection of one RiskAssessment a model, with an OperationOutcome of the rest.

    Parameters
    ----------
    shelf
        The models that answered.
    url
        Where the service is, for the models' cards.
    """
    resources = [
        _risk_assessment(one, done, f"{request_id}-{number}", shelf.models[one.model.name])
        | {"contained": [model_device(one), model_card(one, url)]}
        for number, one in enumerate(done.answer.answers, start=1)
    ]
    if done.read.issues:
        resources.append(operation_outcome(done.read.issues, f"{request_id}-unused"))
    return {
        "resourceType": "Bundle",
        "id": request_id,
        "type": "collection",
        "timestamp": _now(),
        "entry": [{"fullUrl": _url(one), "resource": one} for one in resources],
    }


def _risk_assessment(
    one: OutcomeAnswer, done: Exchanged, name: str, shelved: Shelved
) -> dict[str, Any]:
    """Write one model's answer."""
    read = done.read
    used = basis(read.used, shelved.bundle.recipe, one.landmark_day)
    condition = read.conditions.get(one.condition)
    content: dict[str, Any] = {
        "resourceType": "RiskAssessment",
        "id": name,
        "meta": {
            "security": [
                {
                    "system": OBSERVATION_VALUE,
                    "code": "AIAST",
                    "display": "Artificial Intelligence asserted",
                }
            ]
        },
        "identifier": [{"system": f"{OWN}/prediction-id", "value": name}],
        "status": "final",
        "method": {
            "coding": [{"system": OWN_MODEL, "version": one.model.version, "code": one.model.name}]
        },
        "code": _outcome(one),
        "subject": {"reference": done.patient.reference},
        "occurrenceDateTime": _now(),
        "performer": {"reference": "#model"},
        "note": [{"text": text} for text in _notes(one)],
    }
    # Without a probability there is no `prediction`: R4's invariant ras-2 holds for none without.
    predictions = _predictions(one, read, shelved)
    if predictions:
        content["prediction"] = predictions
    else:
        absent = {"url": extension("no-prediction"), "valueString": one.no_prediction}
        content["extension"] = [absent]
    if condition:
        content["condition"] = {"reference": condition}
    if used:
        content["basis"] = [{"reference": reference} for reference in used]
    return content


def operation_outcome(issues: Iterable[Issue], name: str) -> dict[str, Any]:
    """List what could not be used, each with its place and the reason.

    What is no part of this at all is information; what was meant for it and is wrong, a warning.
    """
    return {
        "resourceType": "OperationOutcome",
        "id": name,
        "issue": [
            {
                "severity": "information" if one.code == "not-supported" else "warning",
                "code": one.code,
                "details": {"text": one.text},
                "expression": [one.place],
            }
            for one in issues
        ],
    }


def _notes(one: OutcomeAnswer) -> list[str]:
    synthetic = [SYNTHETIC] if one.synthetic else []
    none = [f"No prediction: {one.no_prediction}."] if one.no_prediction else []
    return [*synthetic, *none, CAVEAT, "Probabilities are on the scale from 0 to 1.", *one.warnings]


def _predictions(one: OutcomeAnswer, read: PatientRead, shelved: Shelved) -> list[dict[str, Any]]:
    """One prediction an outcome; of relapse, one a horizon, each the probability of relapse."""
    if one.probability is None or one.interval is None:
        return []
    chances = _relapses(one) if one.curve else [(None, one.probability, one.interval)]
    task, last = shelved.bundle.task, chances[-1][0]
    return [
        {
            "extension": [
                _interval(interval),
                relative_window(task, horizon),
                *(_contributions(one) if horizon == last else ()),
            ],
            "outcome": _outcome(one),
            "probabilityDecimal": probability,
            "whenPeriod": when_period(task, one.landmark_day, read.clock.index, horizon),
            "rationale": _rationale(one),
        }
        for horizon, probability, interval in chances
    ]


def _outcome(one: OutcomeAnswer) -> dict[str, Any]:
    coding = {"system": OWN_OUTCOME, "code": one.outcome}
    return {"coding": [coding], "text": f"{one.outcome}: {one.definition}"}


def _relapses(one: OutcomeAnswer) -> list[tuple[float | None, float, Interval]]:
    """Turn the curve of staying well into the probability of relapse by each horizon."""
    return [
        (
            point.day,
            _complement(point.probability),
            Interval(
                low=_complement(point.interval.high),
                high=_complement(point.interval.low),
                level=point.interval.level,
            ),
        )
        for point in one.curve
    ]


def _complement(probability: float) -> float:
    return round(1 - probability, 12)


def _interval(one: Interval) -> dict[str, Any]:
    parts = {"low": one.low, "high": one.high, "level": one.level}
    return {
        "url": extension("prediction-interval"),
        "extension": [{"url": name, "valueDecimal": value} for name, value in parts.items()],
    }


def _contributions(one: OutcomeAnswer) -> list[dict[str, Any]]:
    """Give the strongest reasons; of relapse, those of staying well up to the last horizon."""
    return [
        {
            "url": extension("contribution"),
            "extension": [
                {"url": "group", "valueString": reason.group},
                {"url": "value", "valueString": reason.value},
                {"url": "points", "valueDecimal": round(reason.points, 4)},
            ],
        }
        for reason in one.reasons[:_REASONS]
    ]


def _rationale(one: OutcomeAnswer) -> str:
    said = "; ".join(reason.sentence for reason in one.reasons[:_REASONS])
    what = "staying well" if one.curve else "it"
    return f"What goes with {what} in past patients: {said}" if said else "No single strong reason"


def _url(one: dict[str, Any]) -> str:
    return f"{OWN}/{one['resourceType']}/{one['id']}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
