"""Laws of fitting: what every candidate must do, and what the contest between them must not."""

from dataclasses import replace

import numpy as np
import pytest
import xgboost
from learning import relapse_rows, response_rows

from kappredict.errors import RefusedError
from kappredict.estimators.candidates import (
    BoostedAFT,
    BoostedTrees,
    Candidate,
    Logistic,
    WeibullAFT,
)
from kappredict.estimators.fit import Rows, fit_model, split_by_patient
from kappredict.estimators.targets import YesNo

RESPONSE = [Logistic(model="logistic"), BoostedTrees(model="boosted_trees", rounds=40)]
RELAPSE = [WeibullAFT(model="weibull_aft"), BoostedAFT(model="boosted_aft", rounds=40)]
EVERY = [(one, response_rows()) for one in RESPONSE] + [(one, relapse_rows()) for one in RELAPSE]
every_candidate = pytest.mark.parametrize(
    ("candidate", "rows"), EVERY, ids=[one.model for one, _ in EVERY]
)


@every_candidate
def test_contributions_add_up_to_the_margin(candidate: Candidate, rows: Rows) -> None:
    model = fit_model(rows, [candidate], folds=3, seed=1)
    shares = model.margin.contributions(model.encoder.transform(rows.features))
    np.testing.assert_allclose(shares.sum(axis=1), model.margins(rows.features), atol=1e-5)


@every_candidate
def test_the_same_seed_gives_the_same_model(candidate: Candidate, rows: Rows) -> None:
    first = fit_model(rows, [candidate], folds=3, seed=7).margins(rows.features)
    again = fit_model(rows, [candidate], folds=3, seed=7).margins(rows.features)
    np.testing.assert_array_equal(first, again)


@every_candidate
def test_the_signal_is_found_and_points_the_right_way(candidate: Candidate, rows: Rows) -> None:
    model = fit_model(rows, [candidate], folds=3, seed=1)
    signal = rows.features.frame["signal"].to_numpy()
    assert np.corrcoef(model.margins(rows.features), signal)[0, 1] > 0.7


@every_candidate
def test_permuting_rows_permutes_answers(candidate: Candidate, rows: Rows) -> None:
    model = fit_model(rows, [candidate], folds=3, seed=1)
    order = np.random.default_rng(0).permutation(len(rows.target))
    straight = model.margins(rows.features)
    np.testing.assert_allclose(model.margins(rows.features.take(order)), straight[order], atol=1e-6)


@every_candidate
def test_columns_without_information_in_the_training_rows_are_left_out(
    candidate: Candidate, rows: Rows
) -> None:
    model = fit_model(rows, [candidate], folds=3, seed=1)
    used = {column.feature for column in model.encoder.columns}
    assert used == {"signal", "noise", "route"}


@pytest.mark.parametrize("threads", [1, 2])
def test_a_model_does_not_depend_on_the_number_of_threads(threads: int) -> None:
    rows = response_rows(rows=600)
    with xgboost.config_context(nthread=threads):
        margins = fit_model(rows, RESPONSE[1:], folds=3, seed=3).margins(rows.features)
    alone = fit_model(rows, RESPONSE[1:], folds=3, seed=3).margins(rows.features)
    np.testing.assert_array_equal(margins, alone)


def test_the_simpler_candidate_wins_a_tie() -> None:
    # The truth is linear: boosting cannot be clearly better.
    model = fit_model(response_rows(rows=400), RESPONSE, folds=4, seed=1)
    assert model.candidate.model == "logistic"


def test_a_clearly_better_complex_candidate_wins() -> None:
    rows = response_rows(rows=800)
    signal = rows.features.frame["signal"].to_numpy()
    outcome = (np.abs(signal) > 0.7).astype(float)  # no line can tell these apart
    bent = replace(rows, target=YesNo(outcome))
    assert fit_model(bent, RESPONSE, folds=4, seed=1).candidate.model == "boosted_trees"


def test_a_patient_is_never_on_both_sides_of_a_fold() -> None:
    rows = response_rows()
    for train, test in split_by_patient(rows, 5, seed=1):
        assert not set(rows.patients[train]) & set(rows.patients[test])


def test_an_outcome_with_one_class_is_refused() -> None:
    rows = response_rows()
    one_class = replace(rows, target=YesNo(np.ones(len(rows.target))))
    with pytest.raises(RefusedError, match="cannot be cross-validated"):
        fit_model(one_class, RESPONSE, folds=3, seed=1)


def test_a_model_of_noise_answers_close_to_the_base_rate() -> None:
    rows = response_rows(rows=400, effect=0.0)
    model = fit_model(rows, RESPONSE, folds=5, seed=1)
    probability = model.calibration.probability(model.margins(rows.features))  # type: ignore[union-attr]
    assert probability.std() < 0.08
    assert abs(probability.mean() - rows.target.fitted_on.mean()) < 0.03
