"""The answer in sentences: every claim has its figure, every figure its interval."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kappredict.reporting.findings import Findings
from kappredict.reporting.summary import (
    does_it_work,
    for_whom,
    how_sure,
    rank_agreement,
    short_answers,
    what_matters,
    would_it_matter_elsewhere,
)


def with_auc(found: Findings, model: tuple[float, float], labels: float) -> Findings:
    """The same findings with another AUC of the model (value, low) and of the labels."""
    table = found.tables["performance"].copy()
    auc = (table["figure"] == "auc") & (table["held_out"] == "")
    table.loc[auc & (table["contender"] == "model"), ["value", "low", "high"]] = [*model, 0.9]
    table.loc[auc & (table["contender"] == "labels"), "value"] = labels
    return replace(found, tables={**found.tables, "performance": table})


@pytest.mark.parametrize(
    ("model", "labels", "standing"),
    [
        ((0.7, 0.6), 0.5, "yes"),
        ((0.7, 0.6), 0.65, "unclear"),
        ((0.55, 0.48), 0.5, "no"),
        ((0.8, np.nan), 0.5, "unclear"),
    ],
)
def test_a_model_works_if_its_interval_lies_above_chance_and_labels(
    response: Findings, model: tuple[float, float], labels: float, standing: str
) -> None:
    assert does_it_work(with_auc(response, model, labels)).standing == standing


def test_every_model_gets_an_answer_to_every_question(findings: list[Findings]) -> None:
    for one in findings:
        assert all(sentence.endswith(".") for _, sentence in short_answers(one))


def test_the_share_lost_is_that_of_the_cohort_flow(response: Findings) -> None:
    remaining = response.tables["attrition"]["remaining"]
    lost = 100 * (1 - remaining.iloc[-1] / remaining.iloc[-2])
    assert f"The outcome of {lost:.0f} %" in how_sure(response)


def test_the_worst_group_is_named_with_its_interval(response: Findings) -> None:
    worst = response.recipe.validation["trust"]["worst_group"]
    if worst is None:
        assert "too small" in for_whom(response)
    else:
        assert worst["group"] in for_whom(response)
        assert " to " in for_whom(response)


def test_only_signals_are_said_to_matter(response: Findings) -> None:
    table = response.tables["importance"].assign(signal=False)
    silent = replace(response, tables={**response.tables, "importance": table})
    assert what_matters(silent).startswith("Nothing stands out from noise")
    strongest = table[table["measure"] == "shap"].sort_values("value").iloc[-1]["group"]
    loud = table.assign(signal=table["group"] == strongest)
    said = what_matters(replace(response, tables={**response.tables, "importance": loud}))
    assert said.startswith(f"More than noise: {strongest} (")


def test_parts_that_agree_have_an_agreement_of_one() -> None:
    table = pd.DataFrame(
        [
            ("fold", part, group, value)
            for part in "123"
            for group, value in (("a", 3.0), ("b", 2.0), ("c", 1.0))
        ],
        columns=["across", "part", "group", "value"],
    )
    (row,) = rank_agreement(table).itertuples(index=False)
    assert (row.across, row.parts) == ("fold", 3)
    assert row.agreement == pytest.approx(1.0)


def test_what_was_not_measured_is_said(response: Findings) -> None:
    bare = replace(response, tables={**response.tables, "stability": pd.DataFrame()})
    assert "not measured" in would_it_matter_elsewhere(bare)
