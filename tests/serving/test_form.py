"""What the form needs of the service: inputs, a scale's score, safety flags, what is lacking."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kappredict.config.catalogue import Catalogue
from kappredict.domain.safety import PlannedAs, ScoreAbove
from kappredict.serving import safety
from kappredict.serving.core import Core
from kappredict.serving.form import form_inputs
from kappredict.serving.problems import Problem
from kappredict.serving.scoring import score
from kappredict.serving.together import answer_alone


def scored(core: Core, instrument: str, **items: float) -> Any:
    return score(core.shelf, {"instrument": instrument, "items": items}).content


@pytest.mark.parametrize(
    "items",
    [
        {str(one): 2.0 for one in range(1, 10)},
        {str(one): 3.0 for one in range(1, 8)},
        {"1": 3.0},
        {},
    ],
    ids=["all", "two missing", "eight missing", "none"],
)
def test_the_score_is_the_instruments_own(
    core: Core, catalogue: Catalogue, items: dict[str, float]
) -> None:
    wanted = catalogue.instruments["phq9"].score(pd.DataFrame([items])).iloc[0]
    total = scored(core, "phq9", **items).total
    assert total == wanted if total is not None else pd.isna(wanted)


def test_an_item_that_must_not_be_guessed_is_named_when_it_is_missing(core: Core) -> None:
    assert scored(core, "phq9", **{"1": 1.0}).never_filled_in == ("9",)
    assert scored(core, "phq9", **{"9": 0.0}).never_filled_in == ()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"instrument": "phq9", "items": {"1": 4.0}}, "/items/1"),
        ({"instrument": "phq9", "items": {"77": 1.0}}, "/items"),
        ({"instrument": "phq8", "items": {}}, "/instrument"),
        ({"instrument": "phq9", "items": {"1": "2"}}, "/items/1"),
        ([], ""),
    ],
)
def test_what_cannot_be_scored_is_named_by_its_place(core: Core, body: Any, pointer: str) -> None:
    with pytest.raises(Problem) as refused:
        score(core.shelf, body)
    assert [place for place, _ in refused.value.faults] == [pointer]


def test_only_what_a_model_uses_is_marked_as_used(core: Core) -> None:
    (condition,) = form_inputs(core.shelf)["conditions"]
    used = {one["group"] for one in condition["inputs"] if one["used"]}
    read = {group for one in core.shelf.bundles for group in one.ideas[0]}
    assert used == read
    none = {one["name"] for one in condition["inputs"] if one["absent_is_none"]}
    assert "failed_antidepressants" in none


def test_a_flag_is_raised_by_the_record_and_changes_no_number(
    core: Core, record: dict[str, Any]
) -> None:
    flagged = {**record, "course": {**record["course"], "planned_route": "sl"}}
    flagged["assessments"] = [
        *record["assessments"],
        {"day": -3.0, "instrument": "cssrs", "value": 0.0},
    ]
    higher = [*flagged["assessments"][:-1], {"day": -3.0, "instrument": "cssrs", "value": 4.0}]
    quiet, loud = (
        answer_alone(core.predict({**flagged, "assessments": entries}, "id")).content.results[0]  # type: ignore[union-attr]
        for entries in (flagged["assessments"], higher)
    )
    assert [one.id for one in quiet.safety] == ["compounded_products"]
    assert [one.id for one in loud.safety] == ["suicidality", "compounded_products"]
    assert loud.safety[0].urgent


def test_the_latest_score_speaks_and_what_is_not_there_is_silent() -> None:
    rule = ScoreAbove(when="score_above", instrument="a", item="9", above=0)
    old, new = ({"day": day, "instrument": "a", "item": "9"} for day in (-9.0, -1.0))
    assert rule.holds({"assessments": [{**new, "value": 1.0}, {**old, "value": 0.0}]})
    assert not rule.holds({"assessments": [{**new, "value": 0.0}, {**old, "value": 1.0}]})
    assert not rule.holds({"assessments": [{"day": 0.0, "instrument": "a", "value": 5.0}]})
    assert not PlannedAs(when="planned_as", column="b", levels=("c",)).holds({"course": {}})


def test_every_flag_says_how_far_it_was_checked() -> None:
    flags = safety.listed()["flags"]
    assert all(one["sources"] for one in flags if one["mark"] == "verified")
    assert {one["mark"] for one in flags} == {"verified", "memory"}


def test_what_is_not_known_comes_with_what_knowing_it_would_bring(
    core: Core, record: dict[str, Any]
) -> None:
    body = {"record": record, "changes": {"gad7": None}}
    answer = answer_alone(core.what_if(body, "id")).content
    before, after = (
        {one.group: one.narrows for one in answer_of.answers[0].lacking}
        for answer_of in (answer.before, answer.after)  # type: ignore[union-attr]
    )
    assert "GAD-7" in after
    assert "GAD-7" not in before
    assert list(after.values()) == sorted(after.values(), reverse=True)


def test_a_course_of_several_conditions_can_be_changed(core: Core, record: dict[str, Any]) -> None:
    course = {**record["course"], "condition": ["depression"]}
    body = {"record": {**record, "course": course}, "changes": {"age": 60.0}}
    several = answer_alone(core.what_if(body, "id")).content
    one = answer_alone(core.what_if({"record": record, "changes": {"age": 60.0}}, "id")).content
    assert several.after.answers == one.after.answers  # type: ignore[union-attr]


def test_every_file_of_the_page_is_ours_and_small(models: Path) -> None:
    del models
    folder = Path(safety.__file__).with_name("page")
    for file in folder.iterdir():
        text = file.read_text(encoding="utf-8")
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
        assert "https://" not in text
        assert "style=" not in text
        assert len(text.splitlines()) <= 400
