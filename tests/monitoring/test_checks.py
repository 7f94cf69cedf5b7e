"""Checks share the false alarms of a month between them."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from kappredict.monitoring.checks import FALSE_ALARMS, SHARES, Check, holm, judge


def test_the_shares_of_all_families_make_up_the_false_alarms_of_a_month() -> None:
    assert sum(SHARES.values()) == pytest.approx(1)
    assert FALSE_ALARMS <= 0.05


def test_adjusted_values_are_those_of_statsmodels() -> None:
    p = np.random.default_rng(1).random(40) ** 3
    assert np.allclose(holm(p), multipletests(p, method="holm")[1])


def test_the_more_is_checked_the_more_surprising_an_alarm_must_be() -> None:
    limit = SHARES["inputs"] * FALSE_ALARMS
    surprising = Check("inputs", "a", 0.3, 0.0, 200, 0.6 * limit)
    dull = Check("inputs", "b", 0.1, 0.0, 200, 0.5)
    assert judge([surprising])[0].alarm
    assert not judge([surprising, dull])[0].alarm


def test_what_could_not_be_computed_is_not_checked() -> None:
    assert judge([Check("slope", "s", np.nan, 1.0, 60, np.nan)]) == []
