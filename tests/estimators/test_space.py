"""What is searched of each candidate is something that it can be."""

import pytest

from kappredict.estimators.candidates import KINDS, wrong_spaces
from kappredict.estimators.space import Range


@pytest.mark.parametrize("kind", KINDS)
def test_every_candidate_can_be_all_that_is_searched(kind: str) -> None:
    assert KINDS[kind].space
    assert not wrong_spaces({kind: KINDS[kind].space})


@pytest.mark.parametrize("kind", KINDS)
def test_the_defaults_lie_in_the_space(kind: str) -> None:
    usual = KINDS[kind].model_validate({"model": kind})
    assert all(one.holds(getattr(usual, name)) for name, one in KINDS[kind].space.items())


@pytest.mark.parametrize(
    ("kind", "setting", "simpler", "other"),
    [
        ("logistic", "inverse_penalty", 0.01, 0.1),
        ("pooled_logistic", "own_scale", 0, 1),
        ("pooled_hazard", "inverse_penalty", 0.01, 0.1),
        ("logistic_splines", "knots", 1, 3),
        ("logistic_splines", "bend_penalty", 10, 1),
        ("explainable_boosting", "most_bins", 8, 32),
        ("boosted_trees", "depth", 1, 2),
        ("boosted_aft", "rounds", 50, 100),
        ("weibull_aft", "penalty", 1, 0.1),
    ],
)
def test_complexity_grows_with_what_lets_a_candidate_fit_more_freely(
    kind: str, setting: str, simpler: float, other: float
) -> None:
    one, two = (KINDS[kind].model_validate({"model": kind, setting: at}) for at in (simpler, other))
    assert one.complexity < two.complexity


def test_a_range_on_a_log_scale_starts_above_nothing() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Range(low=0, high=1, log=True)
