"""Folds by patient, balanced on the outcome."""

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

Split = tuple[np.ndarray, np.ndarray]


def patient_folds(strata: np.ndarray, patients: np.ndarray, folds: int, seed: int) -> list[Split]:
    """Split rows so that all of a patient are on one side, and outcomes are spread evenly.

    A patient with both outcomes counts for the rarer one.

    Parameters
    ----------
    strata
        0 without the outcome, 1 with it; any other number is a row that is never tested, and learnt
        from wherever its patient is not tested.
    """
    judged = np.isin(strata, (0, 1))
    rare = strata[judged] == int(strata[judged].mean() < 0.5)
    by_patient = pd.Series(rare).groupby(patients[judged]).any()
    codes, names = pd.factorize(patients)
    place = pd.Index(names).get_indexer(by_patient.index)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    found = []
    for _, tested in splitter.split(by_patient, by_patient):
        theirs = np.isin(codes, place[tested])
        found.append((np.flatnonzero(~theirs), np.flatnonzero(theirs & judged)))
    return found
