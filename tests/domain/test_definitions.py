"""What cannot be written down: definitions that contradict themselves."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from pydantic import ValidationError

from kappredict.config.catalogue import Catalogue, shipped_configs
from kappredict.domain.conditions import Condition
from kappredict.domain.instruments import Bands, Instrument, Range
from kappredict.domain.windows import AssessmentWindow, Moment, Window


def content(path: str) -> dict[str, Any]:
    return yaml.safe_load(Path(shipped_configs(), path).read_text(encoding="utf-8"))


def test_a_window_cannot_end_before_it_starts() -> None:
    with pytest.raises(ValidationError, match="after its end"):
        Window(start_day=1, end_day=0)


def test_a_window_may_be_a_single_day() -> None:
    assert Window(start_day=0, end_day=0).start_day == 0


@pytest.mark.parametrize("wrong", [{"anchor": "dose"}, {"anchor": "index_day", "dose": 1}])
def test_a_moment_names_a_dose_exactly_where_it_counts_from_one(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="anchor"):
        Moment(**wrong)


def test_the_last_score_decides_unless_every_visit_is_asked_for() -> None:
    assert AssessmentWindow(start_day=14, end_day=28).judged_on == "last"


def test_a_range_cannot_run_downward() -> None:
    with pytest.raises(ValidationError, match="lies above"):
        Range(low=3, high=0)


def test_bands_cannot_overlap() -> None:
    levels = [{"label": "mild", "low": 0, "high": 9}, {"label": "severe", "low": 9, "high": 27}]
    with pytest.raises(ValidationError, match="band 'severe' overlaps band 'mild'"):
        Bands.model_validate({"mark": "memory", "levels": levels})


def test_an_item_needs_a_range() -> None:
    whole = content("instruments/phq9.yaml")
    del whole["item_range"]
    with pytest.raises(ValidationError, match="items without a range"):
        Instrument.model_validate(whole)


def test_two_items_cannot_share_an_id() -> None:
    whole = content("instruments/phq9.yaml")
    whole["items"][1]["id"] = "1"
    with pytest.raises(ValidationError, match="same id"):
        Instrument.model_validate(whole)


def test_an_item_has_its_own_range_or_the_common_one(catalogue: Catalogue) -> None:
    scale = catalogue.instruments["hamd17"]
    assert scale.range_of("4") == Range(low=0, high=2)
    assert scale.range_of("1") == Range(low=0, high=4)
    assert scale.range_of("") == scale.total


def test_a_horizon_lies_in_the_days_at_risk() -> None:
    whole = content("conditions/depression.yaml")
    whole["at_risk"]["horizons"] = [30, 400]
    with pytest.raises(ValidationError, match=r"horizons \[400.0\] lie outside"):
        Condition.model_validate(whole)


def test_a_baseline_score_is_taken_before_the_first_dose() -> None:
    whole = content("conditions/depression.yaml")
    whole["baseline_in"]["end_day"] = 1
    with pytest.raises(ValidationError, match="after the index day"):
        Condition.model_validate(whole)


def test_relapse_is_predicted_at_landmarks_that_there_are() -> None:
    whole = content("conditions/depression.yaml")
    del whole["landmarks"]["end_of_course"]
    with pytest.raises(ValidationError, match="end_of_course"):
        Condition.model_validate(whole)


def test_the_primary_scale_comes_first(catalogue: Catalogue) -> None:
    order = [scale.instrument for scale in catalogue.conditions["depression"].scales]
    assert order == ["phq9", "madrs", "qids_sr16", "hamd17", "bdi2"]


def test_remission_has_a_window_of_its_own_where_one_is_given(catalogue: Catalogue) -> None:
    cocaine = catalogue.conditions["cud"]
    assert cocaine.window_of("response").end_day == 37
    assert cocaine.window_of("remission").start_day == 166
    depression = catalogue.conditions["depression"]
    assert depression.window_of("remission") == depression.window_of("response")


def test_a_scale_needs_a_baseline_score_only_where_a_rule_compares_with_one(
    catalogue: Catalogue,
) -> None:
    needs = {name: one.primary.needs_baseline for name, one in catalogue.conditions.items()}
    from_start = {
        name
        for name, one in catalogue.conditions.items()
        if one.at_risk.clock_starts == "index_day"
    }
    assert {name for name, needed in needs.items() if not needed} == from_start


def test_the_best_score_is_remission_and_the_worst_kept_up_is_relapse(catalogue: Catalogue) -> None:
    for condition in catalogue.conditions.values():
        for scale in condition.scales:
            ends = catalogue.instruments[scale.instrument].range_of(scale.item)
            best = {"course_id": "c", "baseline": ends.high, "best": ends.low, "event": None}
            well = pd.DataFrame([best | {"score": ends.low}] * 6)
            ill = pd.DataFrame([best | {"score": ends.high}] * 6)
            assert scale.response.when.holds(well).all(), condition.id
            assert scale.remission.when.holds(well).all(), condition.id
            assert not scale.relapse.when.holds(well).fillna(False).any(), condition.id
            assert not scale.response.when.holds(ill).any(), condition.id
            assert bool(scale.relapse.when.holds(ill).iloc[0]), condition.id
