"""Two models on the same courses, each course predicted by a model that did not learn from it.

A model that is judged on courses that it learnt from looks better than it is. The champion has
learnt from most of what a challenger is trained on, and the challenger from all of it. So one rule
holds for both: where a contender learnt from a course, its prediction is the one that its own
cross-validation made without the course, as its training stored it; where it never saw the course,
its prediction is that of the model as it serves. The rule needs no identifier in the store: a
course is known again by its features. Where a correction has changed them it passes as never seen,
which can only flatter the contender that has learnt from it longest, the champion.
"""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kappredict.data.study import Study
from kappredict.errors import UsageError
from kappredict.estimators.bundle import ModelBundle
from kappredict.evaluation.cross_validation import OutOfFold
from kappredict.evaluation.external import Asked, ask, same_courses
from kappredict.features.table import FeatureTable

# The fold of what a model as it serves predicted; those of its cross-validation come after it.
_SERVED = 0
# The scheme that tests every course whose outcome is known.
_TESTS_ALL = "random_cv"


@dataclass(frozen=True)
class Contender:
    """A model, and what its training left: `learnt` and `predictions`.

    `learnt` are the features of the rows it was trained on, by `row`; `predictions` is the table
    that `result_tables.prediction_table` makes of them.
    """

    bundle: ModelBundle
    learnt: pd.DataFrame
    predictions: pd.DataFrame

    @property
    def schemes(self) -> list[str]:
        """The split schemes it was cross-validated under."""
        return list(self.predictions["scheme"].unique())


@dataclass(frozen=True)
class Meeting:
    """Both contenders' predictions of the same courses, row by row, in the same test folds.

    `scheme` is the split that cross-validated predictions come from, `new_to_champion` and
    `new_to_challenger` how many courses each never saw. `rows` is a digest of which courses and
    outcomes these were.
    """

    challenger: Asked
    champion: Asked
    scheme: str
    new_to_challenger: int
    new_to_champion: int
    rows: str


def meet(
    challenger: Contender, champion: Contender, study: Study, hardest_first: tuple[str, ...]
) -> Meeting:
    """Ask both contenders about every course of a study that neither learnt its answer from.

    Outcomes are judged by the challenger's definitions.

    Parameters
    ----------
    hardest_first
        Split schemes; the first that both were cross-validated under is taken.

    Raises
    ------
    UsageError
        If they answer different tasks, share no scheme or have no course in common.
    RefusedError
        If no course of the study has the outcome known.
    """
    shared = set(challenger.schemes) & set(champion.schemes)
    scheme = next((one for one in hardest_first if one in shared), None)
    if scheme is None:
        raise UsageError("the two were cross-validated under different splits")
    first, second = same_courses(
        *(ask_unseen(one, study, scheme) for one in (challenger, champion))
    )
    return Meeting(
        *_in_same_folds(first, second),
        scheme,
        int((first.predicted.folds[0] == _SERVED).sum()),
        int((second.predicted.folds[0] == _SERVED).sum()),
        _digest(first),
    )


def ask_unseen(contender: Contender, study: Study, scheme: str) -> Asked:
    """Predict each course of a study without having learnt from it; others are left out.

    Relapse is predicted on the condition's horizons.
    """
    asked, days = ask(contender.bundle, study), contender.bundle.horizons
    stored, folds = _stored(contender, scheme, days)
    place = _places(contender, asked.data.features)
    known = np.flatnonzero(place >= 0)
    served = asked.predicted.predictions
    if days.size:
        served = served[:, :, np.searchsorted(asked.predicted.days, days)]
    predictions = np.repeat(served, len(stored), axis=0)
    numbers = np.full(predictions.shape[:2], _SERVED)
    predictions[:, known] = stored[:, place[known]]
    numbers[:, known] = folds[:, place[known]]
    spread = np.full(numbers.shape, np.nan)
    predicted = OutOfFold(predictions, numbers, days, spread, asked.predicted.winners)
    tested = np.flatnonzero((numbers >= 0).all(axis=0))
    return replace(asked, predicted=predicted).take(tested)


def _stored(contender: Contender, scheme: str, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lay out the stored predictions: repeats × rows (× days), and the folds, -1 if not tested."""
    table = contender.predictions
    rows = table[table["scheme"] == scheme]
    shape = (int(rows["repeat"].max()) + 1, len(contender.learnt))
    chances = np.full((*shape, max(1, len(days))), np.nan)
    folds = np.full(shape, -1)
    at = rows["repeat"].to_numpy(), rows["row"].to_numpy()
    day = np.searchsorted(days, rows["horizon"].to_numpy()) if days.size else 0
    chances[*at, day] = rows["probability"]
    folds[at] = _SERVED + 1 + rows["fold"]
    return (chances if days.size else chances[:, :, 0]), folds


def _places(contender: Contender, features: FeatureTable) -> np.ndarray:
    """Give each course's row among those learnt from, -1 where it is not among them.

    Of courses whose features are all the same the first is the first, and so on.
    """
    learnt = contender.learnt
    if _TESTS_ALL in contender.schemes:
        # What it did not test had no known outcome then: there was nothing to learn from it.
        learnt = learnt[learnt["row"].isin(contender.predictions["row"])]
    before, now = (
        pd.MultiIndex.from_frame(_numbered(one, features)) for one in (learnt, features.frame)
    )
    place = before.get_indexer(now)
    return np.where(place < 0, -1, learnt["row"].to_numpy()[place])


def _numbered(frame: pd.DataFrame, features: FeatureTable) -> pd.DataFrame:
    # Single precision: what another release rounds otherwise is still the same course.
    kinds = {one.name: "str" if one.kind == "category" else "float32" for one in features.specs}
    digests = pd.util.hash_pandas_object(frame[list(kinds)].astype(kinds), index=False)
    digests = digests.reset_index(drop=True)
    return pd.DataFrame({"digest": digests, "number": digests.groupby(digests).cumcount()})


def _in_same_folds(first: Asked, second: Asked) -> tuple[Asked, Asked]:
    """Count two courses as of one fold where each contender predicted them by one model."""
    repeats = min(len(one.predicted.folds) for one in (first, second))
    a, b = (one.predicted.folds[:repeats] for one in (first, second))
    both = a * (b.max() + 1) + b
    pair = [
        replace(
            one,
            predicted=replace(
                one.predicted,
                predictions=one.predicted.predictions[:repeats],
                spread=one.predicted.spread[:repeats],
                folds=both,
            ),
        )
        for one in (first, second)
    ]
    return pair[0], pair[1]


def _digest(asked: Asked) -> str:
    courses = asked.data.courses["course_id"].astype("str")
    answers = pd.DataFrame({"course": courses, "answer": asked.data.target.strata})
    digests = np.sort(pd.util.hash_pandas_object(answers, index=False).to_numpy())
    return hashlib.sha256(digests.tobytes()).hexdigest()
