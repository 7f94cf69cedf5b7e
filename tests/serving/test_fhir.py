"""FHIR out: what is written is valid R4, rests on what it says, and nothing sent makes it fail."""

import contextlib
import copy
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ehr
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from official_fhir import is_r4, problems

from kappredict.config.catalogue import Catalogue
from kappredict.domain.task import PredictionTask
from kappredict.serving.answers import CurvePoint, Interval
from kappredict.serving.audit import AuditTrail, Entry
from kappredict.serving.audit_events import audit_bundle
from kappredict.serving.core import Core
from kappredict.serving.fhir.capability import capability_statement, operation_definition
from kappredict.serving.fhir.exchange import answered, predict_bundle, read_bundle
from kappredict.serving.fhir.periods import when_period
from kappredict.serving.fhir.write import result_bundle
from kappredict.serving.problems import Problem
from kappredict.serving.together import answer_alone

QUESTIONNAIRE = ehr.answers({"/44250-9": {"valueInteger": 2}, "/44260-8": {"valueInteger": 0}})
WHOLE = ehr.bundle(
    ehr.patient(),
    ehr.diagnosis(),
    ehr.score(),
    ehr.score(11, "70274-6"),
    QUESTIONNAIRE,
    ehr.order(),
    ehr.resource("Procedure", "e", status="completed", code=ehr.coded(ehr.SNOMED, "1")),
    ehr.resource(
        "MedicationStatement", "ms", status="active", dateAsserted="2023-01-10",
        medicationCodeableConcept=ehr.coded(ehr.RXNORM, "36437"),
    ),
    ehr.dose(),
    {"resourceType": "Goal", "id": "g"},
)  # fmt: skip
SCORED = ehr.score(effectiveDateTime="2024-02-27")
ASKED = ehr.bundle(ehr.patient(), ehr.diagnosis(), SCORED, ehr.order(), {"resourceType": "X"})
UNLIKE = ehr.bundle(ehr.patient(birthDate="1930-01-01"), ehr.diagnosis())


def written(core: Core, bundle: dict[str, Any]) -> dict[str, Any]:
    return dict(answer_alone(predict_bundle(core, bundle, "r1")).content)


def assessments(core: Core, bundle: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        one["resource"]["code"]["coding"][0]["code"]: one["resource"]
        for one in written(core, bundle)["entry"]
        if one["resource"]["resourceType"] == "RiskAssessment"
    }


def relapsing(core: Core) -> dict[str, Any]:
    """The same answer with a curve, whether or not this small model gives one."""
    patient, read = read_bundle(core.shelf, ASKED)
    done = answer_alone(answered(core, patient, read, "r4"))
    (relapse,) = (one for one in done.answer.answers if one.outcome == "relapse")
    said = {
        "no_prediction": None,
        "probability": 0.3,
        "interval": Interval(low=0.1, high=0.5),
        "curve": tuple(
            CurvePoint(
                day=day, probability=well, interval=Interval(low=well - 0.2, high=well + 0.1),
                base_rate=0.5,
            )
            for day, well in ((30.0, 0.9), (90.0, 0.7), (180.0, 0.5), (365.0, 0.3))
        ),
    }  # fmt: skip
    answer = done.answer.model_copy(update={"answers": (relapse.model_copy(update=said),)})
    content = done.reply.content.model_copy(update={"results": (answer,)})  # type: ignore[union-attr]
    said_so = replace(done, reply=replace(done.reply, content=content))
    return result_bundle(said_so, "r4", core.shelf, core.settings.url)


def extensions(part: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = [one["extension"] for one in part["extension"] if one["url"].endswith(f"/{name}")]
    return [{each["url"]: _value(each) for each in one} for one in found]


def _value(one: dict[str, Any]) -> Any:
    return next(value for name, value in one.items() if name.startswith("value"))


def test_all_that_is_written_is_valid_r4(core: Core, tmp_path: Path) -> None:
    trail = AuditTrail.at(str(tmp_path / "trail.db"))
    about = Entry("ward", "clinician", "predict", "answered", "r1", pseudonym="p", models="m@1")
    refused = Entry("ward", "clinician", "predict", "refused", "r2", note="422")
    told = Entry("ward", "clinician", "feedback", "answered", "r3", note="feedback 1:accepted")
    trail.append([about, refused, told])
    everything = [
        written(core, WHOLE),
        written(core, ASKED),
        written(core, UNLIKE),
        relapsing(core),
        capability_statement("https://clinic.example"),
        operation_definition(),
        audit_bundle(trail),
    ]
    assert "qualitativeRisk" not in json.dumps(everything)
    for one in everything:
        is_r4(one)
    assert problems(*everything) == [[]] * len(everything)


def test_the_official_invariants_catch_what_is_wrong() -> None:
    risk: dict[str, Any] = {
        "resourceType": "RiskAssessment",
        "status": "final",
        "subject": {"reference": "Patient/p"},
    }
    observed = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    both = {"url": "x", "valueString": "x", "extension": [{"url": "y", "valueString": "y"}]}
    wrong = {
        "ras-1": {**risk, "prediction": [{"probabilityRange": {"low": {"value": 0.5}}}]},
        "ras-2": {**risk, "prediction": [{"probabilityDecimal": 150}]},
        "ext-1": {**risk, "extension": [both]},
        "obs-6": {**observed, "valueInteger": 1, "dataAbsentReason": {"text": "x"}},
        "subject": {"resourceType": "RiskAssessment", "status": "final"},
        "bdl-1": {"resourceType": "Bundle", "type": "collection", "total": 1},
    }
    for name, found in zip(wrong, problems(*wrong.values()), strict=True):
        assert any(name in one for one in found), name


def test_each_model_gives_an_assessment_with_its_own_device_and_basis(core: Core) -> None:
    found = assessments(core, ASKED)
    assert set(found) == {"response", "relapse"}
    for outcome, one in found.items():
        device, card = one["contained"]
        assert one["performer"] == {"reference": f"#{device['id']}"}
        assert device["deviceName"][0]["name"].startswith("kappredict depression/" + outcome)
        assert card["content"][0]["attachment"]["url"].startswith(core.settings.url)
        assert [one["code"] for one in one["meta"]["security"]] == ["AIAST"]
        assert one["note"][0]["text"].startswith("SYNTHETIC")
        assert one["condition"] == {"reference": "Condition/dx"}


def test_the_basis_is_what_the_model_reads_and_was_known(core: Core) -> None:
    unread = ehr.resource("Procedure", "e", status="completed", code=ehr.coded(ehr.SNOMED, "1"))
    late = ehr.score(effectiveDateTime="2024-02-28", id="late")
    bundle = ehr.bundle(
        ehr.patient(), ehr.diagnosis(), ehr.score(), ehr.order(), unread, ehr.dose(), late
    )
    basis = [one["reference"] for one in assessments(core, bundle)["response"]["basis"]]
    assert basis == ["Patient/p", "MedicationRequest/plan", "Observation/s-44261-6"]


def test_where_there_is_no_prediction_the_reason_stands_in_its_place(core: Core) -> None:
    one = assessments(core, UNLIKE)["relapse"]
    assert "prediction" not in one
    assert any("No prediction: " in note["text"] for note in one["note"])


def test_a_prediction_has_its_interval_and_the_days_it_is_for(core: Core) -> None:
    (response,) = assessments(core, ASKED)["response"]["prediction"]
    (interval,) = extensions(response, "prediction-interval")
    assert 0 <= interval["low"] <= response["probabilityDecimal"] <= interval["high"] <= 1
    # Judged from the last dose, which lies ahead: the days are given, and no date is made up.
    assert extensions(response, "window") == [
        {"from": "last-dose", "start-day": 14.0, "end-day": 28.0}
    ]
    assert response["whenPeriod"]["start"] == "2024-03-01"
    assert "end" not in response["whenPeriod"]


@pytest.mark.parametrize(
    ("condition", "outcome", "landmark_day", "horizon", "period"),
    [
        ("aud", "response", 0.0, None, ("2024-05-16", "2024-06-13")),
        ("aud", "relapse", 0.0, 30.0, ("2024-03-01", "2024-03-31")),
        ("depression", "response", 2.0, None, ("2024-03-03", None)),
        ("depression", "relapse", 0.0, 30.0, ("2024-03-01", None)),
    ],
)
def test_a_period_ends_where_that_can_be_told(
    catalogue: Catalogue, condition: str, outcome: Any, landmark_day: float, horizon: float | None,
    period: tuple[str, str | None],
) -> None:  # fmt: skip
    task = PredictionTask(catalogue.condition(condition), outcome, "baseline")
    found = when_period(task, landmark_day, datetime(2024, 3, 1, tzinfo=UTC), horizon)
    assert (found["start"], found.get("end")) == period
    assert ("_end" in found) == (period[1] is None)


def test_relapse_has_a_prediction_for_each_horizon_that_rises(core: Core) -> None:
    relapse = relapsing(core)["entry"][0]["resource"]["prediction"]
    assert [extensions(one, "window")[0]["end-day"] for one in relapse] == [30, 90, 180, 365]
    assert [one["probabilityDecimal"] for one in relapse] == [0.1, 0.3, 0.5, 0.7]
    assert extensions(relapse[0], "prediction-interval")[0] == {
        "low": 0.0,
        "high": 0.3,
        "level": 0.9,
    }


def test_what_was_not_used_is_listed_without_any_value(core: Core) -> None:
    bundle = ehr.bundle(
        ehr.patient(),
        ehr.diagnosis(),
        ehr.score(777),
        ehr.score(status="entered-in-error"),
        {"resourceType": "MarkedName", "id": "marked"},
    )
    *_, last = written(core, bundle)["entry"]
    issues = last["resource"]["issue"]
    assert [(one["severity"], one["code"]) for one in issues] == [
        ("information", "not-supported"),
        ("warning", "value"),
        ("warning", "business-rule"),
    ]
    assert "777" not in json.dumps(issues)
    assert "arked" not in json.dumps(issues)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "must be a FHIR Bundle"),
        ({"resourceType": "Bundle", "entry": [1]}, "must be a resource"),
        (ehr.bundle(ehr.diagnosis()), "0 Patient resources"),
        (ehr.bundle(ehr.patient(), ehr.patient()), "2 Patient resources"),
        (ehr.bundle(ehr.patient(id=None)), "needs an id"),
        (ehr.bundle(ehr.patient()), "no active Condition"),
    ],
)
def test_a_body_that_is_not_about_one_patient_is_refused(
    core: Core, content: Any, said: str
) -> None:
    with pytest.raises(Problem, match=said):
        written(core, content)


ODD = st.sampled_from(
    [None, True, 0, -1, 1e300, float("nan"), 10**30, "", "x", "2024-13-45", "9999-12-31",
     "0001-01-01T00:00:00+14:00", [], {}, [[]], [{}], {"coding": 1}, {"reference": []}]
)  # fmt: skip


def places(part: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Name every place in a document."""
    keys = part if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
    return [place for key in keys for place in [(*path, key), *places(part[key], (*path, key))]]


PLACES = places(WHOLE)


CHANGES = st.lists(st.tuples(st.sampled_from(PLACES), ODD, st.booleans()), min_size=1, max_size=4)


def test_whatever_is_sent_is_answered_or_refused(core: Core) -> None:
    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(changes=CHANGES)
    def send(changes: Any) -> None:
        bundle = copy.deepcopy(WHOLE)
        for path, odd, remove in changes:
            changed(bundle, path, odd, remove=remove)
        with contextlib.suppress(Problem):
            is_r4(written(core, bundle))

    send()


def changed(part: Any, path: tuple[Any, ...], odd: Any, *, remove: bool) -> None:
    """Replace or remove what is at a place, if an earlier change left it there."""
    for key in path[:-1]:
        if not isinstance(part, (dict, list)) or key not in keys(part):
            return
        part = part[key]
    if not isinstance(part, (dict, list)) or path[-1] not in keys(part):
        return
    if remove:
        del part[path[-1]]
    else:
        part[path[-1]] = odd


def keys(part: Any) -> Any:
    return part if isinstance(part, dict) else range(len(part))
