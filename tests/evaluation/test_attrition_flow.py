"""Who was left out: counts that add up, differences that weights take away, and their figures."""

from dataclasses import replace

import numpy as np
import pytest

from kappredict.config.catalogue import Catalogue
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.totals import with_totals
from kappredict.domain.task import PredictionTask
from kappredict.evaluation.attrition_flow import (
    ASSESSED,
    WEIGHTED,
    differences_from_everyone,
    lost_by_place,
)
from kappredict.evaluation.figures_missing import attrition_figure, differences_figure
from kappredict.evaluation.modelling_set import ModellingSet, build_modelling_set

QUICK = {"seed": 1, "resamples": 50}


@pytest.fixture(scope="module")
def data(catalogue: Catalogue) -> ModellingSet:
    drawn = simulate(load_parameters(), patients=1500, seed=2, conditions=("depression",))
    own = catalogue.for_study(drawn.study.definition)
    task = PredictionTask(own.condition("depression"), "response", "baseline")
    return build_modelling_set(with_totals(drawn.study, own.instruments), own, task)


def test_every_course_of_a_site_is_either_lost_or_assessed(data: ModellingSet) -> None:
    table = lost_by_place(data, **QUICK)
    sites = table[table["division"] == "site"]
    assert sites["n"].sum() == len(data.target)
    assert sites["lost"].sum() == (~data.target.known).sum()
    assert sites["value"].tolist() == pytest.approx((sites["lost"] / sites["n"]).tolist())
    assert ((sites["low"] <= sites["value"]) & (sites["value"] <= sites["high"])).all()


def test_weights_bring_those_assessed_nearer_to_everybody(data: ModellingSet) -> None:
    table = differences_from_everyone(data, **QUICK)
    size = table.assign(size=table["value"].abs()).groupby("who")["size"]
    assert size.mean()[WEIGHTED] < 0.6 * size.mean()[ASSESSED]
    assert size.max()[WEIGHTED] < size.max()[ASSESSED]


def test_a_difference_is_that_of_the_means_in_standard_deviations(data: ModellingSet) -> None:
    table = differences_from_everyone(data, **QUICK)
    age = data.context.frame["age"].to_numpy()
    label = {spec.name: spec.label for spec in data.context.specs}["age"]
    found = table[(table["feature"] == label) & (table["who"] == ASSESSED)]["value"].item()
    assert found == pytest.approx((age[data.target.known].mean() - age.mean()) / age.std())


def test_nobody_lost_leaves_nothing_to_compare(data: ModellingSet) -> None:
    kept = np.flatnonzero(data.target.known)
    complete = replace(
        data,
        courses=data.courses.iloc[kept].reset_index(drop=True),
        features=data.features.take(kept),
        context=data.context.take(kept),
        target=data.target.take(kept),
    )
    assert differences_from_everyone(complete, **QUICK).empty


def test_the_funnel_shows_the_steps_of_the_attrition(data: ModellingSet) -> None:
    funnel = attrition_figure(data.attrition, synthetic=True).data[0]
    assert list(zip(funnel.y, funnel.x, strict=True)) == list(data.attrition.steps)


def test_the_most_different_features_are_drawn_as_they_are_and_weighted(
    data: ModellingSet,
) -> None:
    table = differences_from_everyone(data, **QUICK)
    figure = differences_figure(table, most=5, synthetic=True)
    assert [one.name for one in figure.data] == [ASSESSED, WEIGHTED]
    assert all(list(one.y) == list(table["feature"].drop_duplicates()[:5]) for one in figure.data)
    assert figure.layout.title.text.endswith("– synthetic data")
