"""A search finds what is there to be found, the same every time, and goes on where it was."""

import os
import socket
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from learning import response_rows
from optuna.trial import TrialState, create_trial
from searching import LOGISTIC, STUMPS, crossed_rows, nothing, search, settings

from kappredict.estimators.candidates import BoostedTrees, Logistic
from kappredict.estimators.fit import fit_model
from kappredict.tuning.sampling import clearly_behind
from kappredict.tuning.search import Search, done, give_up_dead, running
from kappredict.tuning.storage import Trials

HOST = socket.gethostname()


@pytest.fixture
def trials(tmp_path: Path) -> Trials:
    return Trials.at(str(tmp_path))


def results(one: Search, trials: Trials) -> list[tuple[object, ...]]:
    """Give what was tried and what came of it, trial by trial."""
    return [(trial.params, trial.state, trial.value) for trial in done(trials.of(one.name))]


def test_a_planted_setting_is_found(trials: Trials) -> None:
    # A stump sees one column at a time, and no column alone says anything here.
    one = search(crossed_rows())
    one.work(trials, 10, nothing)
    model = fit_model(one.rows, one.finalists(trials), folds=4, seed=1)
    assert isinstance(model.candidate, BoostedTrees)
    assert model.candidate.depth >= 2


def test_the_simpler_kind_wins_a_tie(trials: Trials) -> None:
    # The truth is linear: boosting cannot be clearly better.
    one = search(response_rows(rows=800))
    one.work(trials, 10, nothing)
    finalists = one.finalists(trials)
    assert {finalist.model for finalist in finalists} == {"logistic", "boosted_trees"}
    assert fit_model(one.rows, finalists, folds=4, seed=1).candidate.model == "logistic"


def test_finalists_run_from_the_simplest_to_the_most_complex(trials: Trials) -> None:
    one = search(response_rows(rows=800, effect=0.3))
    one.work(trials, 10, nothing)
    finalists = one.finalists(trials)
    place = [(list(one.kinds).index(each.model), each.complexity) for each in finalists]
    assert place == sorted(place)


def test_the_settings_own_candidates_are_tried_first(trials: Trials) -> None:
    one = search(response_rows(rows=800), (LOGISTIC, STUMPS))
    one.work(trials, 2, nothing)
    assert [one.candidate(trial) for trial in done(trials.of(one.name))] == [LOGISTIC, STUMPS]


def test_a_candidate_keeps_its_settings_that_are_not_searched(trials: Trials) -> None:
    shy = STUMPS.model_copy(update={"row_share": 0.6})
    held = settings().tuning.model_validate(
        {"spaces": {"boosted_trees": {"row_share": {"choices": [0.6]}, "depth": {"choices": [1]}}}}
    )
    chosen = settings().model_copy(update={"tuning": held})
    one = search(response_rows(rows=800), (shy,), chosen)
    one.work(trials, 3, nothing)
    found = [one.candidate(trial) for trial in done(trials.of(one.name))]
    assert {(each.row_share, each.depth) for each in found} == {(0.6, 1)}


def test_stopping_and_going_on_gives_the_search_that_was_never_stopped(tmp_path: Path) -> None:
    one = search(response_rows(rows=800))
    at_once, halted = (Trials.at(str(tmp_path / name)) for name in ("once", "halted"))
    one.work(at_once, 10, nothing)

    def stop(number: int, best: float | None) -> None:
        if number == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        one.work(halted, 10, stop)
    again = Trials.at(str(tmp_path / "halted"))
    one.work(again, 10, nothing)
    assert results(one, again) == results(one, at_once)


def test_a_trial_that_was_interrupted_is_tried_again(
    trials: Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = search(response_rows(rows=800))
    with monkeypatch.context() as patch:
        patch.setattr(Logistic, "fit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            one.work(trials, 2, nothing)
    one.work(trials, 2, nothing)
    assert [one.candidate(trial) for trial in done(trials.of(one.name))] == [LOGISTIC, STUMPS]


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_another_seed_is_another_search(trials: Trials) -> None:
    rows = response_rows(rows=800)
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
    best = dict(enumerate([0.60, 0.58, 0.62]))
    assert clearly_behind(dict(enumerate(values)), best) == given_up


@pytest.mark.parametrize(
    ("worker", "hours", "given_up"),
    [
        (f"{HOST}/{os.getpid()}", 5, False),  # slow, and alive
        (f"{HOST}/{2**22 + 1}", 0, True),  # above the largest process number
        ("elsewhere/1", 0, False),
        ("elsewhere/1", 5, True),  # longer than the hour it may take
    ],
    ids=["alive", "dead", "elsewhere", "elsewhere for too long"],
)
def test_the_trial_of_a_dead_worker_is_given_up(
    trials: Trials, worker: str, hours: int, given_up: bool
) -> None:
    kept = trials.of("any")
    trial = create_trial(state=TrialState.RUNNING, user_attrs={"worker": worker})
    trial.datetime_start = datetime.now() - timedelta(hours=hours)  # noqa: DTZ005  # Optuna's have no zone
    kept.begin(trial)
    give_up_dead(kept, 3600)
    assert (not running(kept)) == given_up
