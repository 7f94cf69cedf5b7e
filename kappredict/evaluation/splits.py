"""Split schemes: which rows are learnt from and which are tested, always apart by patient.

Four schemes, from the mildest question to the hardest: other patients of the same sites
(`random_cv`), other sites (`leave_site_out`), later patients (`temporal`), other studies
(`leave_study_out`). A scheme that the data do not allow has no folds and says why.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

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
    strata: np.ndarray, patients: np.ndarray, *, folds: int, repeats: int, seed: int
) -> SchemeFolds:
    """Split patients at random into folds balanced on the outcome, several times over.

    With fewer than `folds` patients on the rarer side of the outcome there are as many folds as
    there are of those.
    """
    strata = np.asarray(strata).astype(int)
    sides = [len(np.unique(patients[strata == side])) for side in (0, 1)]
    most = min(folds, *sides)
    if most < 2:
        return SchemeFolds((), f"the rarer side of the outcome has {min(sides)} patients, of 2")
    found = []
    for repeat in range(repeats):
        splitter = StratifiedGroupKFold(most, shuffle=True, random_state=seed + repeat)
        found += [
            Fold(train, test, repeat) for train, test in splitter.split(strata, strata, patients)
        ]
    return _learnable(found, strata)


def leave_site_out(
    strata: np.ndarray, patients: np.ndarray, sites: np.ndarray, *, most_folds: int
) -> SchemeFolds:
    """Test each site once by a model that saw none of it; small ones too, they all count.

    With more than `most_folds` sites, whole sites share a fold, so that folds are of even size.
    Rows without a site are learnt from and never tested.
    """
    return _leave_group_out(strata, patients, sites, most_folds, "site")


def leave_study_out(
    strata: np.ndarray, patients: np.ndarray, studies: np.ndarray, *, most_folds: int
) -> SchemeFolds:
    """Test each study once by a model that saw none of it; as `leave_site_out`."""
    return _leave_group_out(strata, patients, studies, most_folds, "study")


def temporal(
    strata: np.ndarray, patients: np.ndarray, enrolled_on: np.ndarray, *, test_share: float
) -> SchemeFolds:
    """Learn from those who enrolled earlier and test those who enrolled later.

    At least `test_share` of the rows with a date are tested: one day is never divided. Rows without
    a date are on neither side.
    """
    days = pd.to_datetime(pd.Series(np.asarray(enrolled_on))).to_numpy()
    dated = np.flatnonzero(~np.isnat(days))
    if len(np.unique(days[dated])) < 2:
        return SchemeFolds((), "enrolment dates are not known, or all the same")
    ordered = np.sort(days[dated])
    cut = ordered[int((1 - test_share) * len(ordered))]
    if cut == ordered[0]:
        cut = ordered[ordered > cut][0]
    test = dated[days[dated] >= cut]
    earlier = dated[days[dated] < cut]
    planned = _learnable([_apart(earlier, test, patients)], strata)
    undated = len(days) - len(dated)
    if planned.folds and undated:
        return SchemeFolds(planned.folds, f"{undated} rows have no enrolment date")
    return planned


def _leave_group_out(
    strata: np.ndarray, patients: np.ndarray, groups: np.ndarray, most_folds: int, word: str
) -> SchemeFolds:
    named = np.flatnonzero(~pd.isna(groups))
    codes, names = pd.factorize(np.asarray(groups, dtype=object)[named], sort=True)
    if len(names) < 2:
        return SchemeFolds((), f"there are {len(names)} of at least 2 ({word})")
    splitter = GroupKFold(min(most_folds, len(names)))
    everyone = np.arange(len(groups))
    found = []
    for _, tested in splitter.split(codes, groups=codes):
        test = named[tested]
        found.append(_apart(np.setdiff1d(everyone, test), test, patients))
    planned = _learnable(found, strata)
    unnamed = len(groups) - len(named)
    if planned.folds and unnamed:
        note = f"{unnamed} rows have no {word} and are not tested"
        return SchemeFolds(planned.folds, "; ".join(filter(None, [planned.reason, note])))
    return planned


def _apart(train: np.ndarray, test: np.ndarray, patients: np.ndarray) -> Fold:
    """Take the patients who are tested out of the training rows: some are treated twice."""
    return Fold(train[~np.isin(patients[train], patients[test])], test)


def _learnable(folds: Iterable[Fold], strata: np.ndarray) -> SchemeFolds:
    """Keep the folds whose training rows have enough of either outcome to learn from."""
    every = list(folds)
    kept = tuple(fold for fold in every if _has_both_sides(np.asarray(strata)[fold.train]))
    if len(kept) == len(every):
        return SchemeFolds(kept)
    reason = (
        f"{len(every) - len(kept)} of {len(every)} folds leave fewer than {_LEAST_EITHER_SIDE} "
        f"courses on one side of the outcome to learn from"
    )
    return SchemeFolds(kept, reason)


def _has_both_sides(strata: np.ndarray) -> bool:
    positive = int(strata.astype(bool).sum())
    return min(positive, len(strata) - positive) >= _LEAST_EITHER_SIDE
