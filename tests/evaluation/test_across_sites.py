"""Sites: sampling error alone is no difference, a real one is found, the next site lies inside."""

import numpy as np

from kappredict.evaluation.across_sites import across_sites
from kappredict.evaluation.question import Question


def drawn(
    between: float, seed: int = 0, sites: int = 12, each: int = 120
) -> tuple[Question, np.ndarray]:
    rng = np.random.default_rng(seed)
    site = np.repeat(np.arange(sites), each)
    level = between * rng.normal(size=sites)[site]
    said = rng.normal(size=len(site))
    outcome = (rng.random(len(site)) < 1 / (1 + np.exp(-said - level))).astype(float)
    probability = 1 / (1 + np.exp(-said))
    folds = np.zeros((1, len(site)), dtype=int)
    question = Question.of_response(outcome, probability[None], folds, np.arange(len(site)))
    return question, np.array([f"site {one:02}" for one in site], dtype=object)


def test_sites_that_do_not_differ_have_no_variance_between_them() -> None:
    _, level = across_sites(*drawn(0.0), seed=1, resamples=200)
    assert level.between < 0.25
    assert level.mean.low < 0 < level.mean.high


def test_sites_that_differ_are_seen_to_and_widen_the_range_of_the_next() -> None:
    _, level = across_sites(*drawn(0.8), seed=1, resamples=200)
    assert 0.4 < level.between < 1.3
    assert level.inconsistency > 0.5
    width = level.new_site.high - level.new_site.low
    assert width > 2 * (level.mean.high - level.mean.low)


def test_the_mean_auc_lies_among_those_of_the_sites() -> None:
    discrimination, _ = across_sites(*drawn(0.0), seed=1, resamples=100)
    values = discrimination.sites["value"]
    assert values.min() < discrimination.mean.value < values.max()
    assert 0 < discrimination.new_site.low < discrimination.new_site.high < 1


def test_sites_too_small_to_speak_for_themselves_are_counted_and_left_out() -> None:
    question, sites = drawn(0.0, each=40)
    sites[:5] = "tiny"
    found = across_sites(question, sites, seed=1, resamples=50)
    assert found[0].left_out == 1
    assert "tiny" not in set(found[0].sites["site"])


def test_two_sites_are_no_sample_of_sites() -> None:
    assert across_sites(*drawn(0.0, sites=2), seed=1, resamples=20) == []
