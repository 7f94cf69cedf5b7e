"""A wrong definition is refused, in one message that names the file, the key and what was meant."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kappredict.config.catalogue import Catalogue, fingerprint, load_catalogue, shipped_configs
from kappredict.config.reader import parse_definition, read_definition, read_yaml
from kappredict.domain.conditions import Condition
from kappredict.domain.instruments import Instrument
from kappredict.domain.studies import StudyDefinition
from kappredict.errors import DefinitionError

SHIPPED = shipped_configs()
KINDS = {"instruments": Instrument, "conditions": Condition}
FILES = [path for folder in KINDS for path in sorted((SHIPPED / folder).glob("*.yaml"))]

Write = Callable[..., Path]


@pytest.fixture
def own(tmp_path: Path) -> Write:
    """Write a shipped file, with one part of it replaced, into a folder of one's own."""

    def write(path: str, old: str = "", new: str = "", *, to: str | None = None) -> Path:
        text = (SHIPPED / path).read_text(encoding="utf-8")
        assert old in text
        target = tmp_path / (to or path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace(old, new, 1), encoding="utf-8")
        return tmp_path

    return write


def refusal(folder: Path) -> str:
    with pytest.raises(DefinitionError) as refused:
        load_catalogue(folder)
    return str(refused.value)


@pytest.mark.parametrize("path", FILES, ids=[f"{p.parent.name}/{p.stem}" for p in FILES])
def test_every_shipped_definition_can_be_read_and_is_named_as_its_file(path: Path) -> None:
    assert read_definition(path, KINDS[path.parent.name]).id == path.stem


def test_every_shipped_definition_is_in_the_catalogue(catalogue: Catalogue) -> None:
    assert {*catalogue.instruments, *catalogue.conditions} == {path.stem for path in FILES}


def test_an_unknown_key_is_named_with_its_file_and_the_nearest_known_one(own: Write) -> None:
    message = refusal(own("instruments/gad7.yaml", "recall:", "recal:"))
    assert "gad7.yaml: " in message
    assert "recal: is not a known key" in message
    assert "did you mean 'recall'?" in message
    assert "recall: is required" in message


def test_all_problems_of_a_file_are_told_at_once(own: Write) -> None:
    folder = own("conditions/gad.yaml", "landmarks:\n", "landmark:\n")
    own_file = folder / "conditions" / "gad.yaml"
    text = own_file.read_text(encoding="utf-8").replace("days: 365", "days: -1")
    own_file.write_text(text, encoding="utf-8")
    message = refusal(folder)
    assert "landmark: is not a known key" in message
    assert "at_risk.days: " in message
    assert "found -1" in message


def test_a_safety_flag_names_what_there_is(own: Write) -> None:
    message = refusal(own("safety.yaml", "instrument: cssrs,", "instrument: csrs,"))
    assert "safety/suicidality: instrument 'csrs' is unknown; did you mean 'cssrs'?" in message
    message = refusal(own("safety.yaml", 'item: "9"', 'item: "90"'))
    assert "safety/suicidality: item of phq9 '90' is unknown" in message
    message = refusal(own("safety.yaml", "[oxfordhealth]", "[oxfordhealt]"))
    assert "source 'oxfordhealt' is unknown; did you mean 'oxfordhealth'?" in message


def test_an_unknown_instrument_is_named_with_the_nearest_one(own: Write) -> None:
    message = refusal(own("conditions/gad.yaml", "instrument: gad7", "instrument: gad77"))
    assert "conditions/gad: instrument 'gad77' is unknown; did you mean 'gad7'?" in message


def test_an_unknown_item_is_named_with_the_nearest_one(own: Write) -> None:
    message = refusal(own("conditions/oud.yaml", "item: opioid\n", "item: opiod\n"))
    assert "conditions/oud: item of uds 'opiod' is unknown; did you mean 'opioid'?" in message


def test_a_limit_outside_the_range_of_its_instrument_is_refused(own: Write) -> None:
    message = refusal(own("conditions/gad.yaml", "rule: below, score: 5", "rule: below, score: 22"))
    assert "conditions/gad: score 22.0 lies outside the range of gad7 (0.0 to 21.0)" in message


def test_a_limit_inside_a_run_is_checked_too(own: Write) -> None:
    message = refusal(own("conditions/gad.yaml", "at_least, score: 10", "at_least, score: 50"))
    assert "score 50.0 lies outside the range of gad7" in message


def test_an_unknown_source_is_named_with_the_nearest_one(own: Write) -> None:
    message = refusal(own("conditions/sad.yaml", "[taylor2018]", "[tayler2018]"))
    assert "conditions/sad: source 'tayler2018' is unknown; did you mean 'taylor2018'?" in message


def test_verified_needs_a_source(own: Write) -> None:
    message = refusal(own("conditions/sad.yaml", "    sources: [taylor2018]\n", ""))
    assert "conditions/sad: marked verified without a source" in message


def test_a_key_given_twice_is_refused(own: Write) -> None:
    message = refusal(own("instruments/gad7.yaml", "rater: self", "rater: self\nrater: clinician"))
    assert "gad7.yaml" in message
    assert "key given twice: rater" in message


def test_a_definition_is_named_as_its_file(own: Write) -> None:
    message = refusal(own("instruments/gad7.yaml", to="instruments/gad8.yaml"))
    assert "gad8.yaml: id: 'gad7' is not the file's name" in message


def test_what_is_no_yaml_is_said_to_be_none(own: Write) -> None:
    assert "is not valid YAML" in refusal(
        own("instruments/gad7.yaml", "rater: self", "rater: [self")
    )


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"absent\.yaml: cannot be read"):
        read_yaml(tmp_path / "absent.yaml")


def test_a_wrong_definition_ends_a_command_with_its_own_code() -> None:
    assert DefinitionError.exit_code == 10


def test_a_condition_and_its_instrument_are_added_by_two_files(own: Write) -> None:
    own("instruments/gad7.yaml", "id: gad7", "id: panic7", to="instruments/panic7.yaml")
    folder = own("conditions/gad.yaml", "id: gad\n", "id: panic\n", to="conditions/panic.yaml")
    path = folder / "conditions" / "panic.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("gad7", "panic7"), encoding="utf-8")
    catalogue = load_catalogue(folder)
    assert catalogue.condition("panic").primary.instrument == "panic7"
    assert catalogue.condition("gad").primary.instrument == "gad7"


def test_a_definition_of_ones_own_replaces_the_shipped_one(own: Write) -> None:
    folder = own("conditions/gad.yaml", "fraction: 0.5", "fraction: 0.4")
    assert load_catalogue(folder).condition("gad").primary.response.when.fraction == 0.4  # type: ignore[union-attr]


def test_asking_for_an_unknown_condition_names_the_nearest_one(catalogue: Catalogue) -> None:
    with pytest.raises(DefinitionError, match="'depresion' is unknown; did you mean 'depression'"):
        catalogue.condition("depresion")


def study(**conditions: Any) -> StudyDefinition:
    return StudyDefinition(id="s", label="S", synthetic=True, licence="none", conditions=conditions)


def test_a_study_replaces_keys_of_a_condition_for_itself_alone(catalogue: Catalogue) -> None:
    window = {"anchor": "index_day", "start_day": 1, "end_day": 7}
    of_study = catalogue.for_study(study(depression={"assessed_in": window}))
    assert of_study.condition("depression").assessed_in.end_day == 7
    assert catalogue.condition("depression").assessed_in.end_day == 28


def test_a_study_that_replaces_wrongly_is_told_where(catalogue: Catalogue) -> None:
    with pytest.raises(DefinitionError, match=r"yaml of s: conditions\.depression: assesed_in"):
        catalogue.for_study(study(depression={"assesed_in": {}}))
    with pytest.raises(DefinitionError, match=r"conditions\.depresion: 'depresion' is unknown"):
        catalogue.for_study(study(depresion={}))


def test_a_fingerprint_says_what_is_written_and_not_in_which_order() -> None:
    path = SHIPPED / "conditions" / "depression.yaml"
    content = read_yaml(path)
    backwards = dict(reversed(content.items()))
    definition, reordered = (parse_definition(c, Condition, place="") for c in (content, backwards))
    assert (
        fingerprint(definition)
        == fingerprint(reordered)
        == fingerprint(read_definition(path, Condition))
    )


def test_a_fingerprint_changes_with_any_limit() -> None:
    content = read_yaml(SHIPPED / "conditions" / "depression.yaml")
    before = fingerprint(parse_definition(content, Condition, place=""))
    content["primary"]["remission"]["when"]["score"] = 6
    assert fingerprint(parse_definition(content, Condition, place="")) != before


def test_no_two_definitions_have_the_same_fingerprint(catalogue: Catalogue) -> None:
    every = [*catalogue.instruments.values(), *catalogue.conditions.values()]
    assert len({fingerprint(one) for one in every}) == len(every)


def loinc_codes(instrument: Instrument) -> list[str]:
    codes = [instrument.loinc.panel, instrument.loinc.total, *(i.loinc for i in instrument.items)]
    return [code for code in codes if code]


def check_digit(number: str) -> int:
    """Give the last digit that a LOINC code must have (mod 10 by Luhn, as LOINC documents it)."""
    doubled = "".join(
        str(int(digit) * (2 if place % 2 == 0 else 1))
        for place, digit in enumerate(reversed(number))
    )
    return -sum(int(digit) for digit in doubled) % 10


def test_every_loinc_code_has_its_check_digit(catalogue: Catalogue) -> None:
    for instrument in catalogue.instruments.values():
        for code in loinc_codes(instrument):
            assert re.fullmatch(r"\d{1,7}-\d", code), code
            assert check_digit(code[:-2]) == int(code[-1]), code


def test_the_wrong_loinc_codes_of_public_code_are_not_copied(catalogue: Catalogue) -> None:
    wrong = {"69730-0", "70273-5", "71969-0", "96843-5", "89244-8", "76504-0", "93038-1"}
    found = {code for one in catalogue.instruments.values() for code in loinc_codes(one)}
    assert not wrong & found


def test_a_total_or_panel_code_belongs_to_one_instrument(catalogue: Catalogue) -> None:
    codes = [
        code
        for one in catalogue.instruments.values()
        for code in (one.loinc.panel, one.loinc.total)
        if code
    ]
    assert len(set(codes)) == len(codes)


def test_no_wording_of_an_item_is_printed(catalogue: Catalogue) -> None:
    """A topic of one to three words; none at all where an instrument's items are protected."""
    free = {"phq9", "gad7", "uds", "tlfb"}
    for name, instrument in catalogue.instruments.items():
        topics = [item.topic for item in instrument.items if item.topic]
        assert all(len(topic.split()) <= 3 for topic in topics)
        assert name in free or not topics


def marked(part: Any) -> list[dict[str, Any]]:
    """Find everything that says how far it was checked."""
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
    own = [part] if isinstance(part, dict) and "mark" in part else []
    return own + [found for one in parts for found in marked(one)]


@pytest.mark.parametrize("path", FILES, ids=[f"{p.parent.name}/{p.stem}" for p in FILES])
def test_what_is_marked_verified_cites_a_page_that_was_seen(
    path: Path, catalogue: Catalogue
) -> None:
    for figure in marked(read_yaml(path)):
        seen = [key for key in figure.get("sources", []) if catalogue.sources[key].address]
        assert seen or figure["mark"] != "verified", figure


def test_a_source_that_was_not_seen_says_so(catalogue: Catalogue) -> None:
    for name, source in catalogue.sources.items():
        assert source.citation, name
        assert source.address or source.note, name
