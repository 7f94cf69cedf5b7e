"""What to measure next: of what is not known of a patient, what would make the answer surer."""

from dataclasses import dataclass

import numpy as np

from kappredict.estimators.bundle import ModelBundle
from kappredict.estimators.limits import HALF
from kappredict.explanation.words import value_of
from kappredict.features.table import FeatureTable


@dataclass(frozen=True)
class Measurement:
    """A clinical idea that is not known, and what knowing it would do to the interval.

    `now` and `then` are widths of the interval in percentage points (for relapse, at the last
    horizon): as it is, and as it is to be expected once this is known.
    """

    group: str
    now: float
    then: float


def measure_next(bundle: ModelBundle, table: FeatureTable, row: int = 0) -> list[Measurement]:
    """List what is not known of one row, what would narrow the interval most first.

    A fact that would not narrow it, in expectation, is not listed. What is not known adds a
    variance to the margin (`kappredict.estimators.uncertainty`), which goes once it is known;
    widths are those at the probability as it stands.
    """
    matrix = bundle.encoder.transform(table)[[row]]
    margin = bundle.calibration.margin(bundle.margin.values(matrix))
    uncertainty = bundle.limits.uncertainty
    now = _width(bundle, margin, uncertainty.spread(matrix))
    found = []
    for group in not_known(bundle, table, row):
        names = {spec.name for spec in bundle.specs_by_idea[group]}
        columns = np.array([column.feature in names for column in bundle.encoder.columns])
        then = _width(bundle, margin, uncertainty.spread_once_known(matrix, columns))
        if then < now:
            found.append(Measurement(group, now, then))
    return sorted(found, key=lambda one: one.then)


def not_known(bundle: ModelBundle, table: FeatureTable, row: int = 0) -> list[str]:
    """Name the clinical ideas that the model uses and of which nothing is known in one row."""
    return [
        group
        for group, told in bundle.told_by_idea.items()
        if group in bundle.ideas[0] and all(value_of(table, one, row) is None for one in told)
    ]


def _width(bundle: ModelBundle, margin: np.ndarray, spread: np.ndarray) -> float:
    low, high = (
        bundle.calibration.at(margin + end * HALF * spread, bundle.horizons) for end in (-1, 1)
    )
    return float(100 * (high - low)[0, -1])
