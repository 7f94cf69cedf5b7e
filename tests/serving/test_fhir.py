"""FHIR in and out: what is read, what is said to be unused, and that what is written is valid."""

from datetime import UTC, datetime
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from kappredict.serving.core import Core
from kappredict.serving.fhir.capability import capability_statement
from kappredict.serving.fhir.exchange import definitions, predict_bundle
from kappredict.serving.fhir.read import Read, read_bundle
from kappredict.serving.problems import Problem

NOW = datetime(2024, 3, 1, tzinfo=UTC)
PATIENT = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1983-01-01"}
CONDITION = {
    "resourceType": "Condition",
    "id": "mdd",
    "subject": {"reference": "Patient/p"},
    "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "F33.2"}]},
}


def score(value: Any = 19, **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "s",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "44261-6"}]},
        "effectiveDateTime": "2024-02-20",
        "valueQuantity": {"value": value, "code": "{score}"},
    } | changes


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    entries = [{"resource": one} for one in (PATIENT, CONDITION, *resources)]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def read(core: Core, *resources: dict[str, Any]) -> Read:
    return read_bundle(bundle(*resources), definitions(core.shelf), NOW)


def test_a_score_is_read_on_its_day(core: Core) -> None:
    (entry,) = read(core, score()).record["assessments"]
    assert entry == {"day": -10.0, "instrument": "phq9", "value": 19.0}


def test_a_questionnaire_is_read_by_its_items_and_its_total(core: Core) -> None:
    ordinal = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
    items = [
        {
            "linkId": "/44250-9",
            "answer": [{"valueCoding": {"system": "http://loinc.org", "code": "LA6571-9"}}],
        },
        {
            "linkId": "/44255-8",
            "answer": [{"valueCoding": {"extension": [{"url": ordinal, "valueDecimal": 2}]}}],
        },
        {"linkId": "/44261-6", "answer": [{"valueInteger": 18}]},
    ]
    response = {
        "resourceType": "QuestionnaireResponse", "status": "completed", "authored": "2024-02-20",
        "subject": {"reference": "Patient/p"}, "item": items,
    }  # fmt: skip
    found = read(core, response).record["assessments"]
    assert [(one.get("item"), one["value"]) for one in found] == [("1", 3), ("2", 2), (None, 18)]


def test_days_count_from_the_first_dose_that_was_given(core: Core) -> None:
    dose = {
        "resourceType": "MedicationAdministration", "id": "d", "status": "completed",
        "subject": {"reference": "Patient/p"}, "effectiveDateTime": "2024-02-25",
        "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "N01AX03"}]},  # noqa: E501
        "dosage": {"route": {"coding": [{"system": "http://snomed.info/sct", "code": "47625008"}]},
                   "dose": {"value": 0.5, "unit": "mg/kg"}},
    }  # fmt: skip
    found = read(core, score(), dose).record
    assert found["assessments"][0]["day"] == -5.0
    assert found["sessions"] == [
        {"day": 0.0, "kind": "dosing", "route": "iv", "dose_mg_per_kg": 0.5}
    ]


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        (score(-1), "outside 0 to 27"),
        (score(effectiveDateTime=None), "without a date"),
        (score(valueQuantity={"value": 3, "unit": "mg"}), "no such unit"),
        (score(status="entered-in-error"), "entered-in-error"),
        (score(subject={"reference": "Patient/another"}), "another patient"),
        (score(code={"coding": [{"system": "http://loinc.org", "code": "1-1"}]}), "no instrument"),
        ({"resourceType": "Goal"}, "Goal are not used"),
    ],
)
def test_what_cannot_be_used_is_said_with_its_place(
    core: Core, resource: dict[str, Any], said: str
) -> None:
    found = read(core, resource)
    (issue,) = found.issues
    assert said in issue.text
    assert issue.place.startswith("Bundle.entry[2].resource")
    assert not found.record["assessments"]


def test_a_bundle_about_two_patients_is_refused(core: Core) -> None:
    with pytest.raises(Problem, match="2 Patient resources"):
        read(core, PATIENT)


def test_what_is_written_is_valid_r4_and_holds_no_risk_band(core: Core) -> None:
    content = bundle(score(), {"resourceType": "Goal", "id": "g"})
    written = predict_bundle(core, content, "r1").content
    whole = get_fhir_model_class("Bundle").model_validate(written)
    assessment, outcome = (one.resource for one in whole.entry)
    assert assessment.get_resource_type() == "RiskAssessment"
    assert outcome.get_resource_type() == "OperationOutcome"
    assert "qualitativeRisk" not in str(written)
    assert assessment.meta.security[0].code == "AIAST"
    assert [one.reference for one in assessment.basis] == [
        "Patient/p",
        "Condition/mdd",
        "Observation/s",
    ]


def test_the_capability_statement_is_valid() -> None:
    written = capability_statement("https://clinic.example")
    get_fhir_model_class("CapabilityStatement").model_validate(written)
