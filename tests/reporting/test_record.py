"""Every item of every checklist is answered from the run, or says what is missing."""

import json
from pathlib import Path

import pytest

from kappredict.errors import DefinitionError
from kappredict.reporting.card import card
from kappredict.reporting.findings import Findings
from kappredict.reporting.record import NOT_AVAILABLE, Record, make_record, read_about
from kappredict.reporting.summary import does_it_work

# TRIPOD+AI has 27 items, 52 with their parts; HTI-1 names 31 attributes.
TRIPOD = {str(number) for number in range(1, 28)}
COUNTS = {"TRIPOD+AI": 52, "HTI-1 source attributes": 31}


@pytest.fixture(scope="module")
def record(response: Findings) -> Record:
    return make_record(response, read_about())


def test_every_item_has_an_answer_or_says_that_it_has_none(
    findings: list[Findings],
) -> None:
    for one in findings:
        for item in make_record(one, read_about()).items:
            assert item.answer
            assert item.available != item.answer.startswith(NOT_AVAILABLE)


def test_all_items_of_each_framework_are_there_once(record: Record) -> None:
    for framework in record.frameworks:
        names = [one.id for one in record.of(framework)]
        assert len(names) == len(set(names))
    assert {one.id.rstrip("abcdefg") for one in record.of("TRIPOD+AI")} == TRIPOD
    assert {name: len(record.of(name)) for name in COUNTS} == COUNTS


def test_the_json_is_what_its_own_schema_says(record: Record) -> None:
    content = json.loads(record.model_dump_json())
    assert Record.model_validate(content) == record
    assert set(Record.model_json_schema()["properties"]) == set(content)


def test_figures_in_the_card_are_those_of_the_run(response: Findings, record: Record) -> None:
    said = does_it_work(response).sentence
    assert said in next(one.answer for one in record.of("TRIPOD+AI") if one.id == "23a")
    assert said in card(response, read_about())


def test_a_card_of_simulated_patients_says_so_first(response: Findings) -> None:
    assert "Synthetic data" in card(response, read_about()).splitlines()[2]


def test_a_deployments_own_file_answers_what_a_run_cannot(
    response: Findings, tmp_path: Path
) -> None:
    own = tmp_path / "about.yaml"
    own.write_text("funding: the county\n", encoding="utf-8")
    items = make_record(response, read_about(own)).of("TRIPOD+AI")
    assert next(one.answer for one in items if one.id == "18a") == "the county"


def test_an_unknown_key_is_refused_with_the_nearest_known_one(tmp_path: Path) -> None:
    own = tmp_path / "about.yaml"
    own.write_text("fundin: the county\n", encoding="utf-8")
    with pytest.raises(DefinitionError, match="funding"):
        read_about(own)
