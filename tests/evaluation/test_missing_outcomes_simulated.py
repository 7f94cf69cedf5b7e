"""Missing outcomes of simulated studies, lost as the simulator loses them: the truth is known."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from kappredict.config.catalogue import Catalogue
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.totals import with_totals
from kappredict.domain.task import PredictionTask
from kappredict.estimators.observation import FollowUp
from kappredict.evaluation.follow_up import follow_up
from kappredict.evaluation.modelling_set import build_modelling_set
from kappredict.evaluation.the_like import ChancesOfTheLike
from kappredict.outcomes.response import judge_response

PATIENTS = 2000


@dataclass(frozen=True)
class Followed:
    """Courses of a simulated study, followed to their outcomes (NaN where lost), and the truth."""

    way: FollowUp
    outcome: np.ndarray
    truth: float

    @property
    def complete(self) -> float:
        """The rate among those assessed."""
        return float(np.nanmean(self.outcome))

    @property
    def weights(self) -> np.ndarray:
        return self.way.weights(~np.isnan(self.outcome))

    @property
    def weighted(self) -> float:
        """The rate among those assessed, weighted to stand for all."""
        return float(np.average(np.nan_to_num(self.outcome), weights=self.weights))

    def with_the_lost(self, k: float) -> float:
        """The rate if those lost responded k times less often than the like."""
        like = ChancesOfTheLike.fit(self.way, self.outcome, self.weights)
        chances = like.drawn(np.ones((1, len(self.outcome))))[0]
        return float((np.nan_to_num(self.outcome) + chances / k).mean())


def followed(catalogue: Catalogue, condition: str, **missing: object) -> Followed:
    """Simulate courses, with changes to how the shipped simulation loses them."""
    shipped = load_parameters()
    lost = shipped.frame.missing.model_copy(update=missing)
    parameters = replace(shipped, frame=shipped.frame.model_copy(update={"missing": lost}))
    drawn = simulate(parameters, patients=PATIENTS, seed=1, conditions=(condition,))
    own = catalogue.for_study(drawn.study.definition)
    study = with_totals(drawn.study, own.instruments)
    task = PredictionTask(own.condition(condition), "response", "baseline")
    data = build_modelling_set(study, own, task)
    judged = judge_response(study, data.courses, task.condition, "response").judged
    settled = judged["settled_day"].to_numpy()
    way = follow_up(study, data.courses, data.features, task, settled, data.target.known)
    truth = drawn.truth.set_index("course_id")["response"][data.courses["course_id"]]
    return Followed(way, data.target.fitted_on, float(truth.mean()))


@pytest.fixture(scope="module")
def by_condition(catalogue: Catalogue) -> dict[str, Followed]:
    """Lost as shipped: by setting, age, sessions, and responders less often."""
    return {name: followed(catalogue, name) for name in ("depression", "aud", "cud", "oud")}


@pytest.mark.parametrize("condition", ["depression", "aud", "cud", "oud"])
def test_weighting_moves_the_rate_towards_the_truth(
    by_condition: dict[str, Followed], condition: str
) -> None:
    one = by_condition[condition]
    assert abs(one.weighted - one.truth) < abs(one.complete - one.truth)


def test_where_a_no_is_known_sooner_weighting_removes_most_of_the_bias(
    by_condition: dict[str, Followed],
) -> None:
    # One positive screen settles a no, while a yes takes coming for three months.
    one = by_condition["oud"]
    assert one.complete < one.truth - 0.02
    assert abs(one.weighted - one.truth) < abs(one.complete - one.truth) / 2


def test_looking_only_at_the_end_mistakes_having_left_for_doing_badly(
    by_condition: dict[str, Followed],
) -> None:
    one = by_condition["aud"]
    at_the_end = replace(one, way=FollowUp.at_once(one.way.looks[-1]))
    assert at_the_end.weighted < one.truth
    assert abs(one.weighted - one.truth) < abs(at_the_end.weighted - one.truth)


def test_where_responders_themselves_stay_weights_fall_short_and_the_range_holds_the_truth(
    catalogue: Catalogue,
) -> None:
    # The odds of staying depend on the outcome itself, of which the record tells a part.
    sixty = dict.fromkeys(load_parameters().frame.missing.lost, 0.6)
    one = followed(catalogue, "depression", lost=sixty, observed_if_responder=1.2)
    assert 0.55 < np.isnan(one.outcome).mean() < 0.65
    moved = (one.complete - one.weighted) / (one.complete - one.truth)
    assert 0.25 < moved < 0.75
    assert one.with_the_lost(3) < one.truth < one.with_the_lost(1)


@pytest.mark.parametrize("condition", ["depression", "aud", "cud"])
def test_the_range_holds_the_truth_where_courses_are_lost_as_shipped(
    by_condition: dict[str, Followed], condition: str
) -> None:
    one = by_condition[condition]
    assert one.with_the_lost(3) < one.truth < one.with_the_lost(1)
