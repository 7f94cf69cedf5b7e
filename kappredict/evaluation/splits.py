"""Split schemes: which rows are learnt from and which are tested, always apart by patient.

`strata` are 0 without the outcome and 1 with it; any other number is a row that is learnt from and
says nothing of the outcome (not assessed, or of another condition).

Four schemes, from the mildest question to the hardest: other patients of the same sites
(`random_cv`), other sites (`leave_group_out`), later patients (`temporal`), other studies
(`leave_group_out` again). A scheme that the data do not allow has no folds and says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold

from kappredict.estimators.folds import patient_folds

# A model needs this many training courses on either side of the outcome to be chosen and fitted.
_LEAST_EITHER_SIDE = 2


@dataclass(frozen=True)
class Fold:
    """Rows to learn from and rows to test, as positions; `repeat` counts repeated splits from 0."""

    train: np.ndarray
    test: np.ndarray
    repeat: int = 0


@dataclass(frozen=True)
class SchemeFolds:
    """The folds of one scheme, or the `reason` why there are none.

    With folds, a `reason` says which rows are never tested and why.
    """

    folds: tuple[Fold, ...]
    reason: str = ""


def random_cv(
    strata: np.ndarray, patients: np.ndarray, folds: int, repeats: int, seed: int
) -> SchemeFolds:
    """Split patients at random into folds balanced on the outcome, several times over.

    With fewer than `folds` patients on the rarer side of the outcome there are as many folds as
    there are of those.
    """
    strata = np.asarray(strata).astype(int)
    sides = [len(np.unique(patients[strata == side])) for side in (0, 1)]
    most = min(folds, *sides)
    if most < 2:
        return SchemeFolds(
            (), f"the rarer side of the outcome has {min(sides)} patients, of at least 2"
        )
    found = []
    for repeat in range(repeats):
        found += [
            Fold(train, test, repeat)
            for train, test in patient_folds(strata, patients, most, seed + repeat)
        ]
    return _learnable(found, strata)


def leave_group_out(
    strata: np.ndarray, groups: pd.Series, patients: np.ndarray, most_folds: int, word: str
) -> SchemeFolds:
    """Test each site or study once by a model that saw none of it; small ones too, they all count.

    With more than `most_folds` groups, whole groups share a fold, so that folds are of even size.
    Rows without a group are learnt from and never tested.

    Parameters
    ----------
    word
        What the groups are, in the plural, for the reason that is given where there are too few.
    """
    named = np.flatnonzero(pd.notna(groups))
    codes, names = pd.factorize(np.asarray(groups, dtype=object)[named], sort=True)
    if len(names) < 2:
        return SchemeFolds((), f"this needs at least 2 {word}, and there are {len(names)}")
    splitter = GroupKFold(min(most_folds, len(names)))
    everyone = np.arange(len(groups))
    found = []
    for _, tested in splitter.split(codes, groups=codes):
        test = named[tested]
        found.append(_apart(np.setdiff1d(everyone, test), test, patients))
    unnamed = len(groups) - len(named)
    return _learnable(found, strata, f"{unnamed} rows are of none of the {word}" * (unnamed > 0))


def temporal(
    strata: np.ndarray, enrolled_on: pd.Series, patients: np.ndarray, test_share: float
) -> SchemeFolds:
    """Learn from those who enrolled earlier and test those who enrolled later.

    About `test_share` of the rows with a date are tested: a day is never divided, and the first is
    always learnt from. Rows without a date are on neither side.
    """
    days = pd.to_datetime(pd.Series(np.asarray(enrolled_on))).to_numpy()
    dated = np.flatnonzero(~np.isnat(days))
    ordered = np.sort(days[dated])
    if not len(dated) or ordered[0] == ordered[-1]:
        return SchemeFolds((), "enrolment dates are not known, or all the same")
    cut = max(ordered[int((1 - test_share) * len(ordered))], ordered[ordered > ordered[0]][0])
    test, earlier = dated[days[dated] >= cut], dated[days[dated] < cut]
    undated = len(days) - len(dated)
    note = f"{undated} rows have no enrolment date" * (undated > 0)
    return _learnable([_apart(earlier, test, patients)], strata, note)


def _apart(train: np.ndarray, test: np.ndarray, patients: np.ndarray) -> Fold:
    """Take the patients who are tested out of the training rows: some are treated twice."""
    codes = pd.factorize(patients)[0]
    return Fold(train[~np.isin(codes[train], codes[test])], test)


def _learnable(folds: Sequence[Fold], strata: np.ndarray, note: str = "") -> SchemeFolds:
    """Keep the folds whose training rows have enough of either outcome to learn from."""
    kept = tuple(fold for fold in folds if _has_both_sides(np.asarray(strata)[fold.train]))
    lost = (
        f"{len(folds) - len(kept)} of {len(folds)} folds leave fewer than {_LEAST_EITHER_SIDE} "
        f"courses on one side of the outcome to learn from"
    ) * (len(kept) < len(folds))
    return SchemeFolds(kept, "; ".join(filter(None, [lost, note])))


def _has_both_sides(strata: np.ndarray) -> bool:
    return min((strata == 0).sum(), (strata == 1).sum()) >= _LEAST_EITHER_SIDE
