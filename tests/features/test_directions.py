"""Directions: what the field is sure of reaches a feature, in the conditions it holds in."""

from dataclasses import replace

import pandas as pd
import pytest

from kappredict.config.catalogue import Catalogue
from kappredict.data.study import Study
from kappredict.domain.features import Monotone, MonotoneTotal
from kappredict.domain.studies import StudyDefinition
from kappredict.errors import DefinitionError
from kappredict.features.specs import feature_specs

DEFINITION = StudyDefinition(id="one", label="One", synthetic=True, licence="Apache-2.0")


@pytest.fixture
def study(catalogue: Catalogue) -> Study:
    """A patient with a score on every instrument, and a failed medicine."""
    scores = {"patient_id": "p1", "day": 0.0, "instrument": list(catalogue.instruments), "value": 1}
    fact = {"patient_id": ["p1"], "kind": "medication", "code": "antidepressant"}
    tables = {
        "patients": pd.DataFrame({"patient_id": ["p1"], "age": 40.0}),
        "assessments": pd.DataFrame(scores),
        "history": pd.DataFrame(fact | {"outcome": "failed"}),
    }
    return Study.of(DEFINITION, tables)


def directions(catalogue: Catalogue, study: Study, condition: str | None) -> dict[str, str]:
    specs = feature_specs(catalogue, study, condition)
    return {spec.name: spec.monotone for spec in specs if spec.monotone is not None}


def test_more_failed_treatments_never_raise_the_chance_of_a_good_outcome(
    catalogue: Catalogue, study: Study
) -> None:
    assert directions(catalogue, study, "depression")["failed_antidepressants"] == "falling"


def test_a_rise_of_a_depression_scale_after_the_first_dose_never_helps(
    catalogue: Catalogue, study: Study
) -> None:
    found = directions(catalogue, study, "depression")
    scales = [scale.instrument for scale in catalogue.condition("depression").scales]
    assert [found[f"{name}_early_change"] for name in scales] == ["falling"] * len(scales)


def test_a_direction_does_not_reach_a_condition_that_it_was_not_studied_in(
    catalogue: Catalogue, study: Study
) -> None:
    assert directions(catalogue, study, "oud") == {}


def test_all_conditions_together_get_only_what_holds_in_each(
    catalogue: Catalogue, study: Study
) -> None:
    assert directions(catalogue, study, None) == {}


def test_a_direction_without_conditions_holds_in_all(catalogue: Catalogue, study: Study) -> None:
    age = catalogue.features.columns[0].model_copy(
        update={"monotone": Monotone(mark="assumption", direction="rising")}
    )
    features = catalogue.features.model_copy(update={"columns": (age,)})
    assert directions(replace(catalogue, features=features), study, None) == {"age": "rising"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sources": ("alnefesi2022",)}, "did you mean 'alnefeesi2022'"),
        ({"sources": ()}, "verified without a source"),
        ({"conditions": ("depresion",)}, "did you mean 'depression'"),
    ],
)
def test_a_direction_of_nowhere_is_refused(
    catalogue: Catalogue, change: dict[str, tuple[str, ...]], message: str
) -> None:
    right = MonotoneTotal(
        mark="verified", sources=("alnefeesi2022",), direction="falling", aggregate="early_change"
    )
    wrong = catalogue.instruments["madrs"].model_copy(
        update={"monotone": (right.model_copy(update=change),)}
    )
    instruments = catalogue.instruments | {"madrs": wrong}
    with pytest.raises(DefinitionError) as refused:
        replace(catalogue, instruments=instruments).check()
    assert message in str(refused.value)
