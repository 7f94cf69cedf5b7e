"""Simulated studies that lose 60 % of their courses: the truth of those lost is known here."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from kappredict.config.catalogue import Catalogue
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.totals import with_totals
from kappredict.domain.task import PredictionTask
from kappredict.evaluation.cross_validation import OutOfFold
from kappredict.evaluation.metrics_binary import auc
from kappredict.evaluation.modelling_set import ModellingSet, build_modelling_set
from kappredict.evaluation.sensitivity import sensitivity

ALIKE, FARTHEST = "lost 1 times less likely", "lost 3 times less likely"


@dataclass(frozen=True)
class Studied:
    """A modelling set, and of all its courses the true response and chance of it at baseline."""

    data: ModellingSet
    response: np.ndarray
    chance: np.ndarray

    @property
    def predicted(self) -> OutOfFold:
        """The best possible predictions."""
        n = len(self.response)
        nothing = np.full((1, n), np.nan)
        return OutOfFold(self.chance[None], np.arange(n)[None] % 5, np.empty(0), nothing, ())


def studied(catalogue: Catalogue, *, responders_log_odds: float) -> Studied:
    """Simulate courses of which 60 % are lost; responders are assessed more often."""
    shipped = load_parameters()
    missing = shipped.frame.missing.model_copy(
        update={
            "lost": dict.fromkeys(shipped.frame.missing.lost, 0.6),
            "observed_if_responder": responders_log_odds,
        }
    )
    frame = shipped.frame.model_copy(update={"missing": missing})
    parameters = replace(shipped, frame=frame)
    drawn = simulate(parameters, patients=3000, seed=3, conditions=("depression",))
    own = catalogue.for_study(drawn.study.definition)
    task = PredictionTask(own.condition("depression"), "response", "baseline")
    data = build_modelling_set(with_totals(drawn.study, own.instruments), own, task)
    truth = drawn.truth.set_index("course_id").loc[data.courses["course_id"]]
    response, chance = (
        truth[name].to_numpy(dtype=float) for name in ("response", "p_response_baseline")
    )
    return Studied(data, response, chance)


@pytest.fixture(scope="module")
def at_random(catalogue: Catalogue) -> Studied:
    return studied(catalogue, responders_log_odds=0.0)


@pytest.fixture(scope="module")
def not_at_random(catalogue: Catalogue) -> Studied:
    return studied(catalogue, responders_log_odds=0.9)


def rates(one: Studied) -> tuple[float, float, float]:
    """The rate of those assessed, the same weighted, and the truth."""
    known = one.data.target.known
    outcome = one.response[known]
    weighted = np.average(outcome, weights=one.data.weights[known])
    return float(outcome.mean()), float(weighted), float(one.response.mean())


def test_about_sixty_per_cent_are_lost(not_at_random: Studied) -> None:
    assert 0.5 < 1 - not_at_random.data.target.known.mean() < 0.7


def test_what_is_lost_at_random_needs_no_weights_and_weights_do_no_harm(at_random: Studied) -> None:
    complete, weighted, truth = rates(at_random)
    assert weighted == pytest.approx(truth, abs=0.03)
    assert abs(weighted - complete) < 0.03


def test_what_depends_on_the_outcome_itself_is_made_up_for_in_part_only(
    not_at_random: Studied,
) -> None:
    # Early scores tell part of the response; the rest of what decides is on no record.
    complete, weighted, truth = rates(not_at_random)
    assert truth + 0.02 < weighted < complete - 0.02


def test_the_range_then_holds_the_truth(not_at_random: Studied) -> None:
    one = not_at_random
    table = sensitivity(one.data, one.predicted, seed=1, resamples=20)
    rate = table[table["figure"] == "base_rate"].set_index("assumption")["value"]
    assert rate[FARTHEST] < one.response.mean() < rate[ALIKE]


def test_lost_like_the_assessed_leave_the_ranking_as_good_as_it_is(at_random: Studied) -> None:
    one = at_random
    everyone = np.ones((1, len(one.response)))
    truth = auc(one.response, one.chance, one.predicted.folds[0], everyone).item()
    table = sensitivity(one.data, one.predicted, seed=1, resamples=20)
    found = table[table["figure"] == "auc"].set_index("assumption").loc[ALIKE]
    assert found["value"] == pytest.approx(truth, abs=0.025)


def test_the_lost_never_make_the_rate_surer_than_if_all_had_been_assessed(
    at_random: Studied,
) -> None:
    table = sensitivity(at_random.data, at_random.predicted, seed=1, resamples=300)
    found = table[table["figure"] == "base_rate"].set_index("assumption").loc[ALIKE]
    rate, n = at_random.response.mean(), len(at_random.response)
    complete = 2 * 1.96 * np.sqrt(rate * (1 - rate) / n)
    assert found["high"] - found["low"] > complete
