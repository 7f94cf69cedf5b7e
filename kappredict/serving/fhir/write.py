"""Answers as FHIR R4 RiskAssessment, marked as made by a machine; no verbal risk band."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from kappredict.domain.terminology import OWN
from kappredict.serving.answers import CAVEAT, Interval, OutcomeAnswer, RecordAnswer
from kappredict.serving.fhir.names import (
    OBSERVATION_VALUE,
    OWN_MODEL,
    OWN_OUTCOME,
    extension,
)
from kappredict.serving.fhir.read import Issue, Read

_AI = "http://hl7.org/fhir/uv/aitransparency"
_REASONS = 5


def result_bundle(answer: RecordAnswer, read: Read, request_id: str) -> dict[str, Any]:
    """Give a collection of one RiskAssessment a condition, with an OperationOutcome of the rest."""
    grouped: dict[str, list[OutcomeAnswer]] = {}
    for one in answer.answers:
        grouped.setdefault(one.condition, []).append(one)
    resources = [
        risk_assessment(answers, read, f"{request_id}-{number}")
        for number, answers in enumerate(grouped.values(), start=1)
    ]
    if read.issues:
        resources.append(operation_outcome(read.issues))
    return {
        "resourceType": "Bundle",
        "id": request_id,
        "type": "collection",
        "timestamp": _now(),
        "entry": [{"fullUrl": _url(one), "resource": one} for one in resources],
    }


def risk_assessment(answers: Sequence[OutcomeAnswer], read: Read, name: str) -> dict[str, Any]:
    """Write the answers for one condition; probabilities on the scale from 0 to 1."""
    first = answers[0]
    about = {"reference": f"Patient/{read.patient}"} if read.patient else {"display": "the patient"}
    notes = [CAVEAT, "Probabilities are on the scale from 0 to 1."]
    if any(one.synthetic for one in answers):
        notes.append("SYNTHETIC: the model was trained on simulated patients.")
    notes += [f"{one.outcome}: {said}" for one in answers for said in one.warnings]
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
        "contained": [_device(number, one) for number, one in enumerate(answers, start=1)],
        "identifier": [{"system": f"{OWN}/prediction-id", "value": name}],
        "status": "final",
        "method": {
            "coding": [
                {"system": OWN_MODEL, "version": one.model.version, "code": one.model.name}
                for one in answers
            ]
        },
        "code": {"text": "Outlook after ketamine-assisted psychotherapy"},
        "subject": about,
        "occurrenceDateTime": _now(),
        "performer": {"reference": "#model-1"},
        "prediction": [part for one in answers for part in _predictions(one, read)],
        "note": [{"text": text} for text in notes],
    }
    condition = read.conditions.get(first.condition)
    if condition:
        content["condition"] = {"reference": condition}
    if read.basis:
        content["basis"] = [{"reference": one} for one in read.basis]
    return content


def operation_outcome(issues: Iterable[Issue], severity: str = "warning") -> dict[str, Any]:
    """List what could not be used, each with its place and the reason."""
    return {
        "resourceType": "OperationOutcome",
        "id": "unused",
        "issue": [
            {
                "severity": severity,
                "code": one.code,
                "details": {"text": one.text},
                "expression": [one.place],
            }
            for one in issues
        ],
    }


def _predictions(one: OutcomeAnswer, read: Read) -> list[dict[str, Any]]:
    """One prediction an outcome; of relapse, one a horizon, each the probability of relapse."""
    coding = {"system": OWN_OUTCOME, "code": one.outcome}
    outcome = {"coding": [coding], "text": f"{one.outcome}: {one.definition}"}
    if one.probability is None or one.interval is None:
        absent = {"url": extension("no-prediction"), "valueString": one.no_prediction}
        return [{"extension": [absent], "outcome": outcome, "rationale": one.no_prediction}]
    start = read.index + timedelta(days=one.landmark_day)
    if not one.curve:
        return [
            {
                "extension": [_interval(one.interval), *_contributions(one)],
                "outcome": outcome,
                "probabilityDecimal": one.probability,
                "whenPeriod": {"start": start.date().isoformat()},
                "rationale": _rationale(one),
            }
        ]
    return [
        {
            "extension": [
                _interval(Interval(low=1 - point.interval.high, high=1 - point.interval.low))
            ],
            "outcome": outcome,
            "probabilityDecimal": 1 - point.probability,
            "whenPeriod": {
                "start": start.date().isoformat(),
                "end": (start + timedelta(days=point.day)).date().isoformat(),
            },
            "rationale": _rationale(one),
        }
        for point in one.curve
    ]


def _interval(one: Interval) -> dict[str, Any]:
    return {
        "url": extension("prediction-interval"),
        "extension": [
            {"url": "low", "valueDecimal": one.low},
            {"url": "high", "valueDecimal": one.high},
            {"url": "level", "valueDecimal": one.level},
        ],
    }


def _contributions(one: OutcomeAnswer) -> list[dict[str, Any]]:
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
    return f"What goes with it in past patients: {said}" if said else "No single strong reason"


def _device(number: int, one: OutcomeAnswer) -> dict[str, Any]:
    return {
        "resourceType": "Device",
        "id": f"model-{number}",
        "identifier": [{"system": OWN_MODEL, "value": f"sha256:{one.model.digest}"}],
        "deviceName": [{"name": f"kappredict {one.model.name}", "type": "model-name"}],
        "type": {
            "coding": [
                {
                    "system": f"{_AI}/CodeSystem/AIdeviceTypeCS",
                    "code": "Artificial-Intelligence",
                }
            ]
        },
        "version": [{"value": one.model.version}],
    }


def _url(one: dict[str, Any]) -> str:
    return f"{OWN}/{one['resourceType']}/{one['id']}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
