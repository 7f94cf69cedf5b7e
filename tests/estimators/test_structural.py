"""What tells studies apart is found, named and taken out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kappredict.domain.features import ColumnFeature, FeatureSpec, Kind
from kappredict.estimators.encoder import Encoder
from kappredict.estimators.structural import (
    lone_levels,
    site_gaps,
    structural_gaps,
    without_structure,
)
from kappredict.features.table import FeatureTable

ROWS = 200
FIRST = np.arange(ROWS) < ROWS // 2
STUDIES = np.where(FIRST, "first", "second").astype(object)


def _table(**columns: np.ndarray | pd.Series) -> FeatureTable:
    frame = pd.DataFrame(columns)
    return FeatureTable(frame, tuple(_spec(str(name), frame[name]) for name in frame))


def _spec(name: str, values: pd.Series) -> FeatureSpec:
    kind: Kind = "category" if values.dtype == "str" else "numeric"
    recipe = ColumnFeature(table="patients", column=name, label=name, group=name, kind=kind)
    return FeatureSpec(name=name, label=name, kind=kind, group=name, recipe=recipe)


def _known(share: float, rows: np.ndarray, seed: int = 0) -> np.ndarray:
    """Numbers that are known in about a share of some rows, and in all others."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=ROWS)
    values[rows & (rng.random(ROWS) >= share)] = np.nan
    return values


def _routes(second: tuple[str, ...] = ("iv", "im")) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.where(FIRST, rng.choice(["iv", "im"], ROWS), rng.choice(second, ROWS))


def test_a_feature_empty_in_one_study_and_known_in_another_is_named_with_its_shares() -> None:
    (gap,) = structural_gaps(_table(asked=_known(0, FIRST), both=_known(1, FIRST)), STUDIES)
    assert gap.feature == "asked"
    assert gap.known == {"first": 0.0, "second": 1.0}
    assert str(gap) == "asked is known for 0% of first, 100% of second"


@pytest.mark.parametrize(("share", "found"), [(0.1, True), (0.4, False), (1.0, False)])
def test_only_what_is_nearly_empty_somewhere_is_a_gap(share: float, found: bool) -> None:
    assert bool(structural_gaps(_table(some=_known(share, FIRST)), STUDIES)) == found


def test_what_is_empty_everywhere_tells_no_study() -> None:
    assert not structural_gaps(_table(nothing=np.full(ROWS, np.nan)), STUDIES)


def test_a_handful_of_rows_says_nothing_of_a_study() -> None:
    few = np.where(np.arange(ROWS) < 5, "few", "many").astype(object)
    assert not structural_gaps(_table(asked=_known(0, np.arange(ROWS) < 5)), few)


def test_the_rows_of_one_study_have_no_structure() -> None:
    table = _table(gappy=_known(0.1, FIRST), route=_routes())
    alone = np.full(ROWS, "first", dtype=object)
    assert not structural_gaps(table, alone)
    assert not lone_levels(table, alone)
    assert without_structure(table, alone).frame.equals(table.frame)


def test_a_site_that_did_not_record_a_feature_is_found_within_its_study() -> None:
    sites = np.where(np.arange(ROWS) % 2 == 0, "even", "odd").astype(object)
    table = _table(asked=_known(0, FIRST & (sites == "even")))
    found = site_gaps(table, STUDIES, sites)
    assert [gap.known for gap in found["first"]] == [{"even": 0.0, "odd": 1.0}]
    assert found["second"] == ()


def test_levels_that_one_study_alone_has_are_named() -> None:
    (one,) = lone_levels(_table(route=_routes(second=("iv", "sl"))), STUDIES)
    assert one.levels == {"first": ("im",), "second": ("sl",)}
    assert str(one) == "route has levels of one study only (first: im; second: sl)"


def test_levels_are_not_alone_where_the_other_study_recorded_none() -> None:
    """That is a gap of the whole feature, and not one of its levels."""
    routes = pd.Series(_routes(), dtype="str").mask(FIRST)
    assert not lone_levels(_table(route=routes), STUDIES)


def test_features_with_a_gap_go_and_the_others_stay_as_they_are() -> None:
    table = _table(asked=_known(0, FIRST), both=_known(0.6, FIRST), route=_routes())
    kept = without_structure(table, STUDIES)
    assert kept.frame.equals(table.frame[["both", "route"]])


def test_an_encoder_learnt_without_structure_cannot_tell_a_lone_level() -> None:
    table = _table(route=_routes(second=("iv", "im", "sl")))
    encoder = Encoder.fit(without_structure(table, STUDIES))
    assert [column.level for column in encoder.columns] == ["im", "iv"]
    at_lone = (table.frame["route"] == "sl").to_numpy()
    assert (encoder.transform(table)[at_lone] == 0).all()


def test_the_order_of_rows_does_not_matter() -> None:
    table = _table(asked=_known(0.1, FIRST), route=_routes(second=("iv", "sl")))
    order = np.random.default_rng(2).permutation(ROWS)
    shuffled = without_structure(table.take(order), STUDIES[order])
    assert shuffled.frame.equals(without_structure(table, STUDIES).take(order).frame)
    assert structural_gaps(table.take(order), STUDIES[order]) == structural_gaps(table, STUDIES)


def test_what_one_opioid_trial_did_not_ask_is_found(real_data: Path) -> None:
    """The source's note: education is known for one in eight of one trial, for all of the other."""
    source = real_data / "ctn0094"
    people = (
        pd.read_csv(source / "everybody.csv.gz")
        .merge(pd.read_csv(source / "randomization.csv.gz").query("which == 1"), on="who")
        .merge(pd.read_csv(source / "demographics.csv.gz"), on="who")
    )
    table = _table(**{name: people[name] for name in ("age", "race", "education", "marital")})
    gaps = structural_gaps(table, people["project"].to_numpy())
    assert [gap.feature for gap in gaps] == ["education", "marital"]
