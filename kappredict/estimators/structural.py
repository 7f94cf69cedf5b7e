"""Structural missingness: what one study asked and another did not, and so tells them apart.

A feature that is empty in one study and known in another says which study a patient was in, and
with it the study's design: its visits, its arms, its rate of relapse. A model takes that for
knowledge of the patient, and loses it wherever there is no such study. The same holds for levels
of a category that one study alone has. (Structured missingness: Mitra and colleagues 2023.)

What is structural is found in the training rows. In those of one study nothing is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kappredict.features.table import FeatureTable

# Of the rows of a study: up to which share a feature counts as empty, from which as known.
EMPTY = 0.2
KNOWN = 0.5
# A share of fewer rows says little: such a study or site tells neither way.
LEAST_ROWS = 20


@dataclass(frozen=True)
class StructuralGap:
    """A feature that is (nearly) empty in one study, or site, and (mostly) known in another.

    `known` is the share of rows in which it is known, by study or site.
    """

    feature: str
    known: Mapping[str, float]

    def __str__(self) -> str:
        shares = ", ".join(f"{share:.0%} of {name}" for name, share in self.known.items())
        return f"{self.feature} is known for {shares}"


@dataclass(frozen=True)
class LoneLevels:
    """Levels of a category that one study alone has, by study."""

    feature: str
    levels: Mapping[str, tuple[str, ...]]

    def __str__(self) -> str:
        found = "; ".join(f"{name}: {', '.join(levels)}" for name, levels in self.levels.items())
        return f"{self.feature} has levels of one study only ({found})"


def structural_gaps(table: FeatureTable, groups: np.ndarray) -> tuple[StructuralGap, ...]:
    """Find the features that are empty in one group of rows and known in another.

    Parameters
    ----------
    groups
        The study (or the site) of each row. Groups of fewer than `LEAST_ROWS` rows are passed over.
    """
    sized = _sized(groups)
    if sized.size == 0:
        return ()
    known = table.frame.notna()[np.isin(groups, sized)]
    shares = known.groupby(groups[np.isin(groups, sized)]).mean()
    gap = (shares.min() <= EMPTY) & (shares.max() >= KNOWN)
    return tuple(
        StructuralGap(name, {str(group): float(share) for group, share in shares[name].items()})
        for name in shares.columns[gap]
    )


def site_gaps(
    table: FeatureTable, studies: np.ndarray, sites: np.ndarray
) -> dict[str, tuple[StructuralGap, ...]]:
    """Find, within each study, the features that some of its sites did not record."""
    return {
        str(study): structural_gaps(table.take(rows), sites[rows])
        for study in np.unique(studies)
        for rows in [np.flatnonzero(studies == study)]
    }


def lone_levels(table: FeatureTable, studies: np.ndarray) -> tuple[LoneLevels, ...]:
    """Find the levels of categories that occur in one study only, of those that recorded any."""
    names = [spec.name for spec in table.specs if spec.kind == "category"]
    found = (LoneLevels(name, _lone(table.frame[name], studies)) for name in names)
    return tuple(one for one in found if one.levels)


def without_structure(table: FeatureTable, studies: np.ndarray) -> FeatureTable:
    """Take out what tells the studies apart: features with a gap, and lone levels.

    A feature goes altogether; a level becomes missing, so that an encoder that learns its columns
    here has no column for it, and later reads it as it reads any level never seen.
    """
    gaps = {gap.feature for gap in structural_gaps(table, studies)}
    specs = tuple(spec for spec in table.specs if spec.name not in gaps)
    frame = table.frame[[spec.name for spec in specs]]
    for one in lone_levels(FeatureTable(frame, specs), studies):
        levels = [level for names in one.levels.values() for level in names]
        frame = frame.assign(
            **{one.feature: frame[one.feature].mask(frame[one.feature].isin(levels))}
        )
    return FeatureTable(frame, specs)


def _sized(groups: np.ndarray) -> np.ndarray:
    """Give the groups that are large enough for a share to say something."""
    names, counts = np.unique(groups, return_counts=True)
    return names[counts >= LEAST_ROWS]


def _lone(values: pd.Series, studies: np.ndarray) -> dict[str, tuple[str, ...]]:
    counts = pd.crosstab(values.to_numpy(), studies)
    if counts.shape[1] < 2:
        return {}
    lone = (counts > 0).sum(axis=1) == 1
    return {
        str(study): tuple(sorted(counts.index[lone & (counts[study] > 0)]))
        for study in counts.columns
        if (lone & (counts[study] > 0)).any()
    }
