"""What a search is said to be worth was measured on rows that it never saw."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from searching import nothing, settings

from kappredict.config.catalogue import Catalogue
from kappredict.data.totals import with_totals
from kappredict.data.validation import load_study
from kappredict.estimators.targets import YesNo
from kappredict.evaluation.cross_validation import cross_validate
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.report import evaluate
from kappredict.evaluation.settings import Tuned
from kappredict.evaluation.task_sets import task_sets
from kappredict.tuning.nested import TaskSearches, conclude
from kappredict.tuning.storage import Trials


@pytest.fixture(scope="module")
def data(study_folder: Path, catalogue: Catalogue) -> ModellingSet:
    """A response whose outcomes were shuffled: nothing is to be known of it."""
    study = load_study(study_folder, catalogue)
    study = with_totals(study, catalogue.instruments)
    (one,), _ = task_sets(study, catalogue, ("depression",), settings())
    known = np.flatnonzero(one.target.known)
    outcome = one.target.fitted_on.copy()
    outcome[known] = np.random.default_rng(1).permutation(outcome[known])
    return replace(one, target=YesNo(outcome))


def test_a_search_of_a_training_fold_has_none_of_the_rows_tested(data: ModellingSet) -> None:
    searches = TaskSearches.of(data, settings())
    folds = searches.plan.folds["random_cv"].folds
    for search, fold in zip(searches.nested["random_cv"], folds, strict=True):
        assert not set(search.rows.patients) & set(data.rows.patients[fold.test])


def test_of_shuffled_outcomes_a_search_finds_nothing_that_holds(
    data: ModellingSet, tmp_path: Path
) -> None:
    chosen = settings()
    searches, trials = TaskSearches.of(data, chosen), Trials.at(str(tmp_path))
    for search in searches.every:
        search.work(trials, 6, nothing)
    own = cross_validate([data], [searches.plan.folds], chosen, nothing)
    found = conclude(searches, own[0], trials, synthetic=True)
    gain = found.gains["random_cv"]
    assert gain.searched["auc"].low < 0.5
    known = data.target.fitted_on[data.target.known]
    base_rate = -np.average(np.where(known == 1, np.log(known.mean()), np.log(1 - known.mean())))
    assert gain.searched["log_loss"].value > base_rate
    assert found.winner in found.finalists
    assert found.figures["history"].layout.title.text.endswith("synthetic data")

    tuned = Tuned(
        candidates=found.finalists, data_digest="1234", trials=10, nested={"random_cv": "auc 0.51"}
    )
    report = evaluate(data, own[0], {}, chosen.with_tuned({data.task.name: tuned}))
    assert any("a search of 10 trials" in one and "auc 0.51" in one for one in report.warnings)
