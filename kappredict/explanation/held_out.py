"""What models of a task say of rows that they did not see, and what they say without a fact.

The winning candidate alone is fitted again, in folds by patient: what matters is asked of rows that
were not learnt from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kappredict.domain.features import FeatureSpec
from kappredict.estimators.candidates import Candidate
from kappredict.estimators.encoder import Encoder
from kappredict.estimators.fit import Rows, fit_one, split_by_patient
from kappredict.estimators.margins import Margin
from kappredict.features.table import FeatureTable

# Shuffling once is itself a matter of luck.
_SHUFFLES = 3


@dataclass(frozen=True)
class HeldOut:
    """Margins of the judged rows (`rows`), each by a model of the other patients.

    `shares` are rows × features on the margin, uncalibrated, and `expected` what they start from;
    `shuffled` has, for each group of features, the margins (shuffles × rows) when that group's
    values are dealt out anew, `without` (1 × rows) those of models that never had it.
    """

    rows: np.ndarray
    folds: np.ndarray
    margins: np.ndarray
    expected: np.ndarray
    shares: np.ndarray
    shuffled: Mapping[str, np.ndarray]
    without: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Part:
    """One split: the rows to learn from with their weights, and the rows to ask about."""

    train: np.ndarray
    weights: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Fitted:
    """One fold's model, and the rows it did not see."""

    encoder: Encoder
    margin: Margin
    test: np.ndarray


def held_out(rows: Rows, candidate: Candidate, *, folds: int, refits: bool, seed: int) -> HeldOut:
    """Fit a candidate in folds and ask it about the rows left out, with and without each group."""
    specs = rows.features.specs
    parts = weighted_folds(rows, folds, seed)
    models = [fitted(rows, candidate, part, seed) for part in parts]
    groups = used_groups(models, specs)
    table, n = rows.features, len(rows.target)
    test = np.concatenate([one.test for one in models])
    shares, expected = np.full((n, len(specs)), np.nan), np.full(n, np.nan)
    fold = np.full(n, -1)
    for number, one in enumerate(models):
        shares[one.test], expected[one.test] = feature_shares(one, table.take(one.test))
        fold[one.test] = number
    judged = np.sort(test)
    without = {}
    if refits:
        without = {
            group: _without(rows, candidate, parts, group, seed)[:, judged] for group in groups
        }
    return HeldOut(
        judged,
        fold[judged],
        shares[judged].sum(axis=1) + expected[judged],
        expected[judged],
        shares[judged],
        {group: _shuffled(models, table, group, seed)[:, judged] for group in groups},
        without,
    )


def weighted_folds(rows: Rows, folds: int, seed: int) -> list[Part]:
    """Split rows by patient; observation weights are learnt from each training side alone."""
    return [
        Part(train, rows.take(train).weights, test)
        for train, test in split_by_patient(rows, folds, seed)
    ]


def fitted(rows: Rows, candidate: Candidate, part: Part, seed: int) -> Fitted:
    """Fit a candidate on one side of a split."""
    return Fitted(*fit_one(rows.take(part.train), part.weights, candidate, seed), part.test)


def used_groups(models: Sequence[Fitted], specs: Sequence[FeatureSpec]) -> list[str]:
    """List the groups that any of the models has a column of, in the features' order."""
    used = {column.feature for one in models for column in one.encoder.columns}
    return list(dict.fromkeys(spec.group for spec in specs if spec.name in used))


def feature_shares(model: Fitted, table: FeatureTable) -> tuple[np.ndarray, np.ndarray]:
    """Give each feature's share of the margin (rows × features), and what they start from."""
    by_column = model.margin.contributions(model.encoder.transform(table))
    place = {spec.name: number for number, spec in enumerate(table.specs)}
    shares = np.zeros((len(by_column), len(table.specs)))
    for number, column in enumerate(model.encoder.columns):
        shares[:, place[column.feature]] += by_column[:, number]
    return shares, by_column[:, -1]


def group_matrix(specs: Sequence[FeatureSpec]) -> tuple[list[str], np.ndarray]:
    """Give the groups in order, and which features belong to each (features × groups)."""
    groups = list(dict.fromkeys(spec.group for spec in specs))
    return groups, np.array([[float(spec.group == one) for one in groups] for spec in specs])


def shuffled_margins(
    model: Fitted, matrix: np.ndarray, columns: Sequence[int], rng: np.random.Generator
) -> np.ndarray:
    """Give the margins when some columns' values are dealt out anew, together."""
    dealt = matrix.copy()
    dealt[:, columns] = matrix[rng.permutation(len(matrix))][:, columns]
    return model.margin.values(dealt)


def group_columns(encoder: Encoder, specs: Sequence[FeatureSpec], group: str) -> list[int]:
    """Give the places of a group's columns in the matrix."""
    names = {spec.name for spec in specs if spec.group == group}
    return [number for number, one in enumerate(encoder.columns) if one.feature in names]


def _shuffled(models: Sequence[Fitted], table: FeatureTable, group: str, seed: int) -> np.ndarray:
    margins = np.full((_SHUFFLES, len(table.frame)), np.nan)
    rng = np.random.default_rng(seed)
    for one in models:
        matrix = one.encoder.transform(table.take(one.test))
        columns = group_columns(one.encoder, table.specs, group)
        for number in range(_SHUFFLES):
            margins[number, one.test] = shuffled_margins(one, matrix, columns, rng)
    return margins


def _without(
    rows: Rows, candidate: Candidate, parts: Sequence[Part], group: str, seed: int
) -> np.ndarray:
    """Fit the models without a group, and give their margins (1 × rows)."""
    kept = tuple(spec for spec in rows.features.specs if spec.group != group)
    frame = rows.features.frame[[spec.name for spec in kept]]
    fewer = replace(rows, features=FeatureTable(frame, kept))
    margins = np.full((1, len(rows.target)), np.nan)
    for part in parts:
        one = fitted(fewer, candidate, part, seed)
        margins[0, one.test] = one.margin.values(
            one.encoder.transform(fewer.features.take(one.test))
        )
    return margins
