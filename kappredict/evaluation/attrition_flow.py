"""Whom the outcome is missing for: by site, study and arm, and how they differ from those assessed.

Only courses that could have been assessed count. A difference is in standard deviations of those
courses (Austin 2009); weights that do what they are for bring it near 0.
"""

import numpy as np
import pandas as pd

from kappredict.estimators.encoder import Encoder
from kappredict.evaluation.bootstrap import bootstrap
from kappredict.evaluation.metrics_binary import ratio
from kappredict.evaluation.modelling_set import ModellingSet

_PLACES = ("study", "site", "arm")
# With fewer on either side a difference is noise.
_LEAST = 10
ASSESSED, WEIGHTED = "assessed", "assessed, weighted"


def lost_by_place(data: ModellingSet, *, seed: int, resamples: int) -> pd.DataFrame:
    """Give the share not assessed in each study, site and arm that courses name.

    Returns
    -------
    division, group, n, lost, value (the share), low, high.
    """
    lost = (~data.target.known).astype(float)
    columns = ["division", "group", "n", "lost", "value", "low", "high"]
    groups = {
        (division, group): (data.courses[division] == group).to_numpy(dtype=bool)
        for division in _PLACES
        for group in sorted(data.courses[division].dropna().unique())
    }

    def shares(drawn: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        return {
            name: ratio(drawn[:, inside] @ lost[inside], drawn[:, inside].sum(axis=1))
            for name, inside in groups.items()
        }

    found = bootstrap(shares, data.rows.patients, seed=seed, resamples=resamples)
    rows = [
        (*name, int(inside.sum()), int(lost[inside].sum()), one.value, one.low, one.high)
        for (name, inside), one in zip(groups.items(), found.values(), strict=True)
    ]
    return pd.DataFrame(rows, columns=columns)


def differences_from_everyone(data: ModellingSet, *, seed: int, resamples: int) -> pd.DataFrame:
    """Compare those assessed, as they are and weighted, with all courses, feature by feature.

    Features are as they were when assessment opened, where they are known: what weights are learnt
    from. A positive difference means that those assessed are above all courses.

    Returns
    -------
    feature (with its level, of a category), who (`assessed`, `assessed, weighted`), value, low,
    high; the feature that differs most as they are comes first. Empty where fewer than ten were
    assessed or lost.
    """
    columns = ["feature", "who", "value", "low", "high"]
    known = data.target.known
    if min(known.sum(), (~known).sum()) < _LEAST:
        return pd.DataFrame(columns=columns)
    encoder = Encoder.fit(data.context)
    matrix = encoder.transform(data.context)
    sides = {ASSESSED: known.astype(float), WEIGHTED: np.where(known, data.weights, 0.0)}

    def differences(drawn: np.ndarray) -> dict[tuple[int, str], np.ndarray]:
        everyone, spread = _moments(drawn, matrix)
        return {
            (place, who): value
            for who, side in sides.items()
            for place, value in enumerate(
                ratio(_moments(drawn * side, matrix)[0] - everyone, spread).T
            )
        }

    found = bootstrap(differences, data.rows.patients, seed=seed, resamples=resamples)
    labels = {spec.name: spec.label for spec in data.context.specs}
    names = [
        labels[one.feature] + (f": {one.level}" if one.level is not None else "")
        for one in encoder.columns
    ]
    order = sorted(range(len(names)), key=lambda place: -abs(found[place, ASSESSED].value))
    rows = [
        (names[place], who, one.value, one.low, one.high)
        for place in order
        for who, one in ((who, found[place, who]) for who in sides)
    ]
    return pd.DataFrame(rows, columns=columns)


def _moments(weights: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give each column's weighted mean and spread where it is known (resamples × columns)."""
    present = ~np.isnan(matrix)
    values = np.nan_to_num(matrix)
    total = weights @ present
    mean = ratio(weights @ values, total)
    return mean, np.sqrt(np.maximum(ratio(weights @ values**2, total) - mean**2, 0.0))
