"""A search finds what is there to be found, the same every time, and goes on where it was."""

from pathlib import Path

import optuna
import pytest
from learning import response_rows
from optuna.trial import TrialState
from searching import LOGISTIC, STUMPS, crossed_rows, nothing, search, settings

from kappredict.estimators.candidates import BoostedTrees
from kappredict.estimators.fit import fit_model
from kappredict.tuning.sampling import ClearlyBehind
from kappredict.tuning.search import Search, done, give_up_dead, running
from kappredict.tuning.storage import Trials


@pytest.fixture
def trials(tmp_path: Path) -> Trials:
    return Trials.at(str(tmp_path), 60)


def told(one: Search, trials: Trials) -> list[tuple[object, ...]]:
    """Give what was tried and what came of it, trial by trial."""
    return [(trial.params, trial.state, trial.value) for trial in done(one.study(trials))]


def test_a_planted_setting_is_found(trials: Trials) -> None:
    # A stump sees one column at a time, and no column alone says anything here.
    one = search(crossed_rows())
    one.work(trials, 14, nothing)
    model = fit_model(one.rows, one.finalists(trials), folds=4, seed=1)
    assert isinstance(model.candidate, BoostedTrees)
    assert model.candidate.depth >= 2


def test_the_simpler_kind_wins_a_tie(trials: Trials) -> None:
    # The truth is linear: boosting cannot be clearly better.
    one = search(response_rows(rows=500))
    one.work(trials, 14, nothing)
    finalists = one.finalists(trials)
    assert {finalist.model for finalist in finalists} == {"logistic", "boosted_trees"}
    assert fit_model(one.rows, finalists, folds=4, seed=1).candidate.model == "logistic"


def test_finalists_run_from_the_simplest_to_the_most_complex(trials: Trials) -> None:
    one = search(response_rows(rows=500, effect=0.3))
    one.work(trials, 14, nothing)
    finalists = one.finalists(trials)
    place = [(list(one.kinds).index(each.model), each.complexity) for each in finalists]
    assert place == sorted(place)


def test_the_settings_own_candidates_are_tried_first(trials: Trials) -> None:
    one = search(response_rows(rows=500), (LOGISTIC, STUMPS))
    one.work(trials, 2, nothing)
    assert [one.candidate(trial) for trial in done(one.study(trials))] == [LOGISTIC, STUMPS]


def test_a_candidate_keeps_its_settings_that_are_not_searched(trials: Trials) -> None:
    shy = STUMPS.model_copy(update={"row_share": 0.6})
    held = settings().tuning.model_validate(
        {"spaces": {"boosted_trees": {"row_share": {"choices": [0.6]}, "depth": {"choices": [1]}}}}
    )
    chosen = settings().model_copy(update={"tuning": held})
    one = search(response_rows(rows=500), (shy,), chosen)
    one.work(trials, 3, nothing)
    found = [one.candidate(trial) for trial in done(one.study(trials))]
    assert {(each.row_share, each.depth) for each in found} == {(0.6, 1)}


def test_stopping_and_going_on_gives_the_search_that_was_never_stopped(tmp_path: Path) -> None:
    one = search(response_rows(rows=500))
    at_once, halted = (Trials.at(str(tmp_path / name), 60) for name in ("once", "halted"))
    one.work(at_once, 13, nothing)

    def stop(number: int, best: float | None) -> None:
        if number == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        one.work(halted, 13, stop)
    again = Trials.at(str(tmp_path / "halted"), 60)
    one.work(again, 13, nothing)
    assert told(one, again) == told(one, at_once)


def test_a_trial_that_was_interrupted_is_tried_again(trials: Trials) -> None:
    one = search(response_rows(rows=500))
    study = one.study(trials)
    study.enqueue_trial(one.known[0], user_attrs={"known": 0})
    study.tell(study.ask(), state=TrialState.FAIL)
    one.work(trials, 2, nothing)
    assert [one.candidate(trial) for trial in done(study)] == [LOGISTIC, STUMPS]


def test_another_seed_is_another_search(trials: Trials) -> None:
    rows = response_rows(rows=500)
    one, other = search(rows), search(rows, chosen=settings(seed=2))
    one.work(trials, 1, nothing)
    assert one.name != other.name
    assert not one.replaces_another(trials)
    assert other.replaces_another(trials)


def test_other_data_are_another_search() -> None:
    assert search(response_rows(seed=1)).name != search(response_rows(seed=2)).name


def test_what_the_sample_does_not_support_is_not_searched() -> None:
    # Riley and colleagues: 120 courses bear no boosted trees.
    assert list(search(response_rows(rows=120)).kinds) == ["logistic"]


def behind(values: list[float]) -> bool:
    """Whether a trial is given up that has these losses by fold; the best has 0.60, 0.58, 0.62."""
    study = optuna.create_study(pruner=ClearlyBehind())
    for losses in ([0.60, 0.58, 0.62], values):
        trial = study.ask()
        for step, loss in enumerate(losses):
            trial.report(loss, step)
        if losses is values:
            return trial.should_prune()
        study.tell(trial, sum(losses) / 3)
    raise AssertionError


@pytest.mark.parametrize(
    ("values", "given_up"),
    [
        ([0.70], False),  # one fold says nothing
        ([0.70, 0.68, 0.73], True),  # far behind in every fold
        ([0.61, 0.575, 0.63], False),  # now behind, now ahead: a tie, and it may be the simpler
        ([0.50, 0.48, 0.52], False),  # ahead
    ],
)
def test_a_trial_is_given_up_when_it_is_clearly_behind(values: list[float], given_up: bool) -> None:
    assert behind(values) == given_up


def test_a_running_trial_of_a_living_process_is_left_alone(trials: Trials) -> None:
    study = search(response_rows(rows=300)).study(trials)
    alive, dead, remote = (study.ask() for _ in range(3))
    import os
    import socket

    host = socket.gethostname()
    alive.set_user_attr("worker", f"{host}/{os.getpid()}")
    dead.set_user_attr("worker", f"{host}/{2**22 + 1}")  # above the largest process number
    remote.set_user_attr("worker", "elsewhere/1")
    give_up_dead(study, 60)
    assert [trial.number for trial in running(study)] == [alive.number, remote.number]
