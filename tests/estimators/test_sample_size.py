"""Riley's criteria: their published examples, and that they agree forwards and backwards."""

import pytest
from learning import response_rows

from kappredict.estimators.candidates import BoostedTrees, Logistic
from kappredict.estimators.fit import affordable
from kappredict.estimators.sample_size import largest_r2, least_sample, parameters_for, supported


def test_the_largest_r2_is_that_of_the_paper() -> None:
    # Riley et al. 2019, section 3: an outcome of 5 % allows 0.33, one of 50 % 0.75.
    assert largest_r2(0.5) == pytest.approx(0.75, abs=0.005)
    assert largest_r2(0.05) == pytest.approx(0.33, abs=0.005)
    assert largest_r2(0.01) == pytest.approx(0.11, abs=0.005)


def test_the_example_of_pmsampsize_needs_662_courses() -> None:
    # 24 parameters, an anticipated R² of 0.288 and a prevalence of 0.174: 623 courses for the
    # shrinkage of 0.9, 662 for the optimism (pmsampsize, help file, example for a binary outcome).
    most = largest_r2(0.174)
    assert least_sample(24, 0.288, 0.9) == 623
    assert least_sample(24, 0.288, 0.288 / (0.288 + 0.05 * most)) == 662


def test_a_sample_supports_the_parameters_it_was_made_for() -> None:
    n = least_sample(24, 0.1, 0.9)
    assert parameters_for(n, 0.1, 0.9) == pytest.approx(24, abs=0.05)


def test_more_courses_support_more_and_rarer_outcomes_fewer() -> None:
    assert supported(2000, 900).parameters > supported(500, 225).parameters
    assert supported(2000, 900).parameters > supported(2000, 40).parameters
    assert not supported(100, 50).precise
    assert supported(1000, 500).precise


def test_a_small_sample_gets_simple_models() -> None:
    simple, complex_ = Logistic(model="logistic"), BoostedTrees(model="boosted_trees")
    assert affordable(response_rows(rows=100), [simple, complex_]) == [simple]
    assert affordable(response_rows(rows=2000), [simple, complex_]) == [simple, complex_]
