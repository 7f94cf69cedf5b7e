"""What an EHR holds becomes a patient record: what is read, when it was known, what is left."""

from datetime import UTC, datetime
from typing import Any

import ehr
import pytest

from kappredict.config.catalogue import Catalogue
from kappredict.data.fhir.elements import Definitions
from kappredict.data.fhir.patient import PatientRead, read_patient_record
from kappredict.data.fhir.reading import Located

NOW = datetime(2024, 3, 1, tzinfo=UTC)
NO_SCORE = {"value": None}


@pytest.fixture
def read(catalogue: Catalogue) -> Any:
    known = Definitions.of(catalogue.conditions, catalogue.instruments, catalogue.terminology)

    def read(*resources: Any, asked: datetime | None = NOW, **patient: Any) -> PatientRead:
        located = [
            Located(f"entry[{place}]", one)
            for place, one in enumerate([ehr.patient(**patient), *resources])
        ]
        return read_patient_record(located[0], located, known, asked)

    return read


def scores(found: PatientRead) -> list[tuple[str, str, float]]:
    return [
        (one["instrument"], one.get("item", ""), one["value"])
        for one in found.record["assessments"]
    ]


def test_a_score_is_read_on_its_day(read: Any) -> None:
    (entry,) = read(ehr.score()).record["assessments"]
    assert entry == {"day": -10.0, "instrument": "phq9", "value": 19.0}


@pytest.mark.parametrize(
    "value",
    [
        {"valueQuantity": {"value": 2, "unit": "{score}"}},
        {"valueInteger": 2},
        {"valueCodeableConcept": ehr.coded(ehr.LOINC, "LA6570-1")},
    ],
)
def test_an_items_value_may_be_a_quantity_a_number_or_an_answer(read: Any, value: Any) -> None:
    item = ehr.score(code="44250-9")
    del item["valueQuantity"]
    assert scores(read(item | value)) == [("phq9", "1", 2.0)]


@pytest.mark.parametrize("link", ["44250-9", "/44250-9", "/44249-1/44250-9", "phq9.1"])
@pytest.mark.parametrize(
    "value",
    [
        {"valueDecimal": 3},
        {"valueInteger": 3},
        {"valueCoding": {"system": ehr.LOINC, "code": "LA6571-9"}},
        {
            "valueCoding": {
                "extension": [
                    {
                        "url": "http://hl7.org/fhir/StructureDefinition/ordinalValue",
                        "valueDecimal": 3,
                    }
                ]
            }
        },
    ],
)
def test_a_questionnaires_items_are_read_however_they_are_linked(
    read: Any, link: str, value: Any
) -> None:
    assert scores(read(ehr.answers({link: value}))) == [("phq9", "1", 3.0)]


def test_items_below_items_and_below_answers_are_read_too(read: Any) -> None:
    inner = {"linkId": "/44255-8", "answer": [{"valueInteger": 1}]}
    outer = {"linkId": "group", "item": [inner]}
    below = {"linkId": "x", "answer": [{"valueBoolean": True, "item": [dict(inner)]}]}
    assert scores(read(ehr.answers({}, item=[outer]))) == [("phq9", "2", 1.0)]
    assert scores(read(ehr.answers({}, item=[below]))) == [("phq9", "2", 1.0)]


def test_a_panel_gives_its_components_and_names_members_that_were_not_sent(read: Any) -> None:
    panel = ehr.score(code="44249-1", hasMember=[{"reference": "Observation/elsewhere"}])
    del panel["valueQuantity"]
    panel["component"] = [{"code": ehr.coded(ehr.LOINC, "44250-9"), "valueInteger": 2}]
    found = read(panel)
    assert scores(found) == [("phq9", "1", 2.0)]
    (issue,) = found.issues
    assert issue.place == "entry[1].hasMember[0]"


def test_a_score_that_comes_twice_counts_once_and_one_that_differs_is_said(read: Any) -> None:
    asked = ehr.answers({"/44261-6": {"valueInteger": 18}})
    same = ehr.score(18, effectiveDateTime="2024-02-20T09:05:00Z", derivedFrom=[])
    other = ehr.score(17, effectiveDateTime="2024-02-20T09:00:00Z")
    assert len(read(asked, same).record["assessments"]) == 1
    found = read(asked, other)
    assert scores(found) == [("phq9", "", 18.0)]
    assert [one.code for one in found.issues] == ["conflict"]


def test_days_count_from_the_first_dose_that_was_given(read: Any) -> None:
    found = read(ehr.score(), ehr.dose(), ehr.dose("2024-02-28T10:00:00Z"))
    assert [one["day"] for one in found.record["sessions"]] == [0.0, 3.0]
    assert found.record["course"]["last_day"] == pytest.approx(4.5833, abs=1e-3)
    assert found.clock.index.isoformat() == "2024-02-25T10:00:00+00:00"


@pytest.mark.parametrize(
    ("scored", "issued", "known_before_the_dose"),
    [
        ("2024-02-24", None, True),
        ("2024-02-25T09:00:00Z", None, True),
        ("2024-02-25", None, False),  # the date does not say whether it came before
        ("2024-02-24", "2024-02-25T12:00:00Z", False),  # entered after the dose
        ("2024-02", None, False),
        ("2024-02", "2024-02-20T12:00:00Z", True),
        ("2024-02-25T11:30:00+02:00", None, True),  # half past nine in London
    ],
)
def test_what_a_date_leaves_open_is_known_at_its_end_unless_it_was_entered(
    read: Any, scored: str, issued: str | None, known_before_the_dose: bool
) -> None:
    dated = {"effectiveDateTime": scored} | ({"issued": issued} if issued else {})
    (entry,) = read(ehr.score(**dated), ehr.dose()).record["assessments"]
    known = max(entry["day"], entry.get("recorded_day", entry["day"]))
    assert (known < 0) == known_before_the_dose


def test_a_date_is_a_day_where_the_first_dose_was_given(read: Any) -> None:
    # Half past eleven at night in New York is the next day in London: the score's date is that
    # of the dose, and may be from after it.
    (entry,) = read(
        ehr.score(effectiveDateTime="2024-02-24"), ehr.dose("2024-02-24T23:30:00-05:00")
    ).record["assessments"]
    assert entry["day"] < 0 < entry["recorded_day"]


def test_without_a_dose_all_that_was_sent_was_known(read: Any) -> None:
    now = ehr.score(effectiveDateTime="2024-03-01T00:00:00Z")
    today = ehr.score(effectiveDateTime="2024-03-01", code="70274-6")
    assert all(entry["day"] < 0 for entry in read(now, today).record["assessments"])


def test_a_dose_in_mg_becomes_mg_per_kg_by_the_last_weight_before_it(read: Any) -> None:
    weight = {"code": ehr.coded(ehr.LOINC, "29463-7"), "valueQuantity": {"value": 70, "code": "kg"}}
    earlier = ehr.score(effectiveDateTime="2024-01-01") | weight
    later = ehr.score(effectiveDateTime="2024-02-27") | weight
    given = ehr.dose(dosage={"dose": {"value": 35, "unit": "mg", "code": "mg"}})
    (session,) = read(earlier, later, given).record["sessions"]
    assert session["dose_mg_per_kg"] == 0.5
    found = read(later, given)
    assert "dose_mg_per_kg" not in found.record["sessions"][0]
    assert [one.place for one in found.issues] == ["entry[2].dosage.dose"]


def test_two_doses_on_one_date_are_one_session_and_an_infusion_has_its_length(read: Any) -> None:
    period = {"start": "2024-02-25T10:00:00Z", "end": "2024-02-25T10:40:00Z"}
    infusion = ehr.dose(effectivePeriod=period)
    del infusion["effectiveDateTime"]
    found = read(infusion, ehr.dose("2024-02-25T12:00:00Z"))
    assert found.record["sessions"] == [
        {"day": 0.0, "kind": "dosing", "route": "iv", "dose_mg_per_kg": 1.0, "minutes": 40.0}
    ]


def test_an_order_of_ketamine_is_the_plan(read: Any) -> None:
    course = read(ehr.diagnosis(), ehr.order()).record["course"]
    assert course["planned_route"] == "im"
    assert course["planned_doses"] == 6
    assert course["planned_dose_mg_per_kg"] == 0.5


@pytest.mark.parametrize(
    ("concept", "code"),
    [
        (ehr.coded(ehr.RXNORM, "36437"), "N06AB06"),
        (ehr.coded("http://www.whocc.no/atc", "N06AX16"), "N06AX16"),
    ],
)
@pytest.mark.parametrize("way", ["itself", "contained", "sent with it"])
def test_a_medicine_is_coded_in_itself_or_in_the_resource_it_refers_to(
    read: Any, concept: Any, code: str, way: str
) -> None:
    drug = {"resourceType": "Medication", "id": "m", "code": concept}
    statement = ehr.resource("MedicationStatement", "ms", status="active")
    statement["effectivePeriod"] = {"start": "2023-01-10"}
    if way == "itself":
        statement["medicationCodeableConcept"] = concept
    else:
        inside = way == "contained"
        statement["medicationReference"] = {"reference": "#m" if inside else "Medication/m"}
        statement |= {"contained": [drug]} if inside else {}
    found = read(statement, drug)
    assert [(one["kind"], one["code"]) for one in found.record["history"]] == [("medication", code)]
    assert not found.issues


@pytest.mark.parametrize(
    ("changes", "treated"),
    [
        ({}, ["depression"]),
        ({"code": ehr.coded(ehr.SNOMED, "370143000")}, ["depression"]),
        ({"clinicalStatus": ehr.coded("x", "relapse")}, ["depression"]),
        ({"clinicalStatus": ehr.coded("x", "remission")}, []),
        ({"abatementDateTime": "2022"}, []),
        ({"verificationStatus": ehr.coded("x", "provisional")}, []),
        ({"code": ehr.coded("http://hl7.org/fhir/sid/icd-10", "F431")}, ["ptsd"]),
    ],
)
def test_a_confirmed_diagnosis_that_is_not_over_is_treated(
    read: Any, changes: Any, treated: list[str]
) -> None:
    assert list(read(ehr.diagnosis() | changes).conditions) == treated


@pytest.mark.parametrize(
    ("changes", "treated"),
    [
        ({"clinicalStatus": ehr.coded("x", "remission")}, True),
        ({"abatementDateTime": "2024-02-27"}, True),
        ({"abatementDateTime": "2024-02-20"}, False),
        ({"onsetDateTime": "2024-02-27"}, False),
        ({"clinicalStatus": ehr.coded("x", "resolved")}, False),
    ],
)
def test_after_a_dose_what_had_not_ended_by_then_is_treated(
    read: Any, changes: Any, treated: bool
) -> None:
    assert bool(read(ehr.diagnosis() | changes, ehr.dose()).conditions) == treated


@pytest.mark.parametrize(
    ("subject", "own"),
    [
        ({"reference": "Patient/p"}, True),
        ({"reference": "https://ehr.example/fhir/Patient/p/_history/2"}, True),
        ({"identifier": {"system": "mrn", "value": "1"}}, True),
        ({"reference": "Patient/q"}, False),
        ({"reference": "Group/p"}, False),
        ({"identifier": {"system": "mrn", "value": "2"}}, False),
        ({"display": "the patient"}, False),
    ],
)
def test_only_what_says_that_it_is_about_the_patient_is_read(
    read: Any, subject: Any, own: bool
) -> None:
    found = read(ehr.score(subject=subject), identifier=[{"system": "mrn", "value": "1"}])
    assert bool(found.record["assessments"]) == own
    assert bool(found.issues) != own


@pytest.mark.parametrize(
    ("born", "age", "said"),
    [("1983-03-02", 40.0, 0), ("1983-03-01", 41.0, 0), ("1983", 40.0, 1), ("2040", None, 1)],
)
def test_an_age_is_in_whole_years_and_a_year_of_birth_is_said_to_be_one(
    read: Any, born: str, age: float | None, said: int
) -> None:
    found = read(birthDate=born)
    assert found.record["patient"].get("age") == age
    assert len(found.issues) == said


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        (ehr.score(-1), "outside 0 to 27"),
        (ehr.score(effectiveDateTime=None), "without a date"),
        (ehr.score(valueQuantity={"value": 3, "unit": "mg"}), "no such unit"),
        (ehr.score(valueQuantity=None, dataAbsentReason={"text": "refused"}), "value is absent"),
        (ehr.score(effectiveDateTime="2024-04-01"), "after it was sent"),
        (ehr.score(status="entered-in-error"), "does not hold"),
        (ehr.score(code="1-1"), "no instrument"),
        (ehr.score(code="44249-1"), "code of a panel"),
        (ehr.answers({"/44250-9": {"valueString": "marked"}}), "cannot be scored"),
        (ehr.dose(status="in-progress"), "not completed"),
        (ehr.order(doNotPerform=True), "not to do"),
        ({"resourceType": "Goal", "id": "marked"}, "not used"),
    ],
)
def test_what_cannot_be_used_is_said_with_its_place(read: Any, resource: Any, said: str) -> None:
    found = read(resource)
    (issue,) = found.issues
    assert said in issue.text
    assert issue.place.startswith("entry[1]")
    assert "marked" not in issue.text
    assert not found.record["assessments"]


def test_a_code_means_one_thing(catalogue: Catalogue) -> None:
    for terms in catalogue.terminology.values():
        assert len({(one.system, one.code) for one in terms}) == len(terms)
