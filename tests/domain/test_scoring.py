"""How items become a total: drawn administrations, and laws that hold for every instrument."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import drawn

from kappredict.config.catalogue import Catalogue, load_catalogue
from kappredict.domain.instruments import Instrument

SHIPPED = load_catalogue().instruments
SCORED = [one for one in SHIPPED.values() if one.items and one.scoring.method != "as_recorded"]
each_scored = pytest.mark.parametrize("instrument", SCORED, ids=lambda one: one.id)

ADMINISTRATIONS: dict[str, tuple[str, str]] = {
    "the PHQ-9 is the sum of its items": (
        "phq9",
        """
        1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | total
        0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0
        3 | 2 | 1 | 0 | 3 | 2 | 1 | 0 | 3 | 15
        3 | 3 | 3 | 3 | 3 | 3 | 3 | 3 | 3 | 27
        """,
    ),
    "up to two missing PHQ-9 items are pro-rated: mean of the answered × 9, halves up": (
        "phq9",
        """
        1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | total
          | 2 | 2 | 2 | 2 | 2 | 2 | 2 | 2 | 18
          | 1 | 1 | 1 | 1 | 0 | 0 | 0 | 0 | 5
          |   | 1 | 1 | 1 | 1 | 1 | 0 | 0 | 6
          |   |   | 1 | 1 | 1 | 1 | 1 | 1 |
        """,
    ),
    "two missing GAD-7 items are pro-rated, three are not": (
        "gad7",
        """
        1 | 2 | 3 | 4 | 5 | 6 | 7 | total
        3 | 3 | 3 | 3 | 3 | 3 | 3 | 21
          |   | 2 | 2 | 2 | 2 | 2 | 14
          |   |   | 2 | 2 | 2 | 2 |
        """,
    ),
    "an AUDIT-C with a gap has no total": (
        "audit_c",
        """
        1 | 2 | 3 | total
        4 | 2 | 1 | 7
        4 |   | 1 |
        """,
    ),
    "item 3 of the DAST-10 counts the other way round": (
        "dast10",
        """
        1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | total
        0 | 0 | 1 | 0 | 0 | 0 | 0 | 0 | 0 | 0  | 0
        0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0  | 1
        1 | 1 | 0 | 1 | 1 | 1 | 1 | 1 | 1 | 1  | 10
        """,
    ),
    "items 4, 5, 7 and 8 of the PSS-10 count the other way round": (
        "pss10",
        """
        1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | total
        0 | 0 | 0 | 4 | 4 | 0 | 4 | 4 | 0 | 0  | 0
        0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0  | 16
        4 | 4 | 4 | 0 | 0 | 4 | 0 | 0 | 4 | 4  | 40
        """,
    ),
    "the QIDS takes the worst of sleep, of appetite and weight, and of pace": (
        "qids_sr16",
        """
        1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16 | total
        3 | 0 | 1 | 2 | 0 | 0 | 0 | 0 | 0 | 0  | 0  | 0  | 0  | 0  | 0  | 0  | 3
        0 | 0 | 0 | 0 | 1 | 0 | 3 | 0 | 2 | 1  | 1  | 1  | 1  | 1  | 2  | 3  | 12
        3 | 3 | 3 | 3 | 3 | 3 | 3 | 3 | 3 | 3  | 3  | 3  | 3  | 3  | 3  | 3  | 27
        """,
    ),
    "a QIDS domain is missing only if all its items are; one missing domain is pro-rated": (
        "qids_sr16",
        """
        1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16 | total
        3 |   |   |   | 1 | 2 |   |   |   | 1  | 1  | 1  | 1  | 1  | 2  |    | 13
        2 | 2 | 2 | 2 |   | 2 | 2 | 2 | 2 | 2  | 2  | 2  | 2  | 2  | 2  | 2  | 18
        2 | 2 | 2 | 2 |   | 2 | 2 | 2 | 2 |    | 2  | 2  | 2  | 2  | 2  | 2  |
        """,
    ),
    "the C-SSRS is its highest kind of ideation; the behaviour item is no part of it": (
        "cssrs",
        """
        1 | 2 | 3 | 4 | 5 | 6 | total
        0 | 0 | 0 | 0 | 0 | 0 | 0
        1 | 1 | 0 | 0 | 0 | 0 | 2
        1 | 1 | 0 | 1 | 0 | 0 | 4
        0 | 0 | 0 | 0 | 0 | 1 | 0
        """,
    ),
    "a C-SSRS item is never filled in, and a missing one never hides a later yes": (
        "cssrs",
        """
        1 | 2 | 3 | 4 | 5 | 6 | total
          | 0 | 0 | 0 | 0 | 0 |
        1 | 1 | 0 | 0 |   | 0 |
          | 1 | 1 | 1 | 1 | 0 | 5
          |   |   |   |   | 1 |
        """,
    ),
}


def read_items(lines: pd.DataFrame) -> pd.DataFrame:
    return lines.drop(columns="total").replace("", np.nan).astype("float64")


@pytest.mark.parametrize("title", ADMINISTRATIONS)
def test_the_total_is_as_drawn(title: str, catalogue: Catalogue) -> None:
    name, table = ADMINISTRATIONS[title]
    lines = drawn(table)
    totals = catalogue.instruments[name].score(read_items(lines))
    expected = lines["total"].replace("", np.nan).astype("float64")
    pd.testing.assert_series_equal(totals, expected, check_names=False)


def test_items_that_are_never_filled_in_are_named() -> None:
    named = {
        one.id: [item.id for item in one.items if item.never_filled_in]
        for one in SHIPPED.values()
        if any(item.never_filled_in for item in one.items)
    }
    assert named == {"phq9": ["9"], "cssrs": ["1", "2", "3", "4", "5", "6"]}


def test_without_item_9_the_phq9_has_a_total_of_the_others_and_item_9_stays_missing(
    catalogue: Catalogue,
) -> None:
    answered = pd.DataFrame({str(number): [2.0] for number in range(1, 9)}).assign(**{"9": np.nan})
    before = answered.copy()
    assert catalogue.instruments["phq9"].score(answered).tolist() == [18]
    pd.testing.assert_frame_equal(answered, before)


def test_a_urine_screen_is_positive_if_any_drug_is_and_negative_only_if_all_were_tested(
    catalogue: Catalogue,
) -> None:
    screen = catalogue.instruments["uds"]
    clean = {item.id: 0.0 for item in screen.items}
    rows = [clean, clean | {"cocaine": 1.0}, {"opioid": 0.0}, {"opioid": 1.0}, {}]
    totals = screen.score(pd.DataFrame(rows))
    pd.testing.assert_series_equal(totals, pd.Series([0.0, 1.0, np.nan, 1.0, np.nan]))


def test_a_diary_has_no_total_of_its_own(catalogue: Catalogue) -> None:
    assert catalogue.instruments["tlfb"].score(pd.DataFrame({"alcohol_days": [3.0]})).isna().all()


def worst(instrument: Instrument, *, best: bool = False) -> pd.DataFrame:
    """Answer every item at its worst (or best) end."""
    ends = {item: instrument.range_of(item.id) for item in instrument.items}
    return pd.DataFrame(
        {
            item.id: [end.low if item.reverse_scored != best else end.high]
            for item, end in ends.items()
        }
    )


@each_scored
def test_the_worst_answers_reach_one_end_of_the_range_and_the_best_the_other(
    instrument: Instrument,
) -> None:
    assert instrument.score(worst(instrument)).tolist() == [instrument.total.high]
    assert instrument.score(worst(instrument, best=True)).tolist() == [instrument.total.low]


SEED = st.integers(0, 2**32 - 1)


def draw_items(instrument: Instrument, rng: np.random.Generator) -> pd.DataFrame:
    """Draw administrations with whole answers inside their ranges, from none missing to most."""
    ends = [instrument.range_of(item.id) for item in instrument.items]
    low, high = (np.array([getattr(end, name) for end in ends]) for name in ("low", "high"))
    answers = np.floor(rng.uniform(low, high + 1, (12, len(ends))))
    missing = rng.random(answers.shape) < rng.choice([0, 0.05, 0.5], (12, 1))
    items = [item.id for item in instrument.items]
    return pd.DataFrame(np.where(missing, np.nan, answers), columns=items)


@each_scored
@given(seed=SEED)
def test_a_total_lies_in_its_range_and_depends_on_its_own_row_alone(
    instrument: Instrument, seed: int
) -> None:
    items = draw_items(instrument, np.random.default_rng(seed))
    totals = instrument.score(items)
    assert totals.dropna().between(instrument.total.low, instrument.total.high).all()
    pd.testing.assert_series_equal(instrument.score(items[::-1]), totals[::-1])


@each_scored
@given(seed=SEED)
def test_a_worse_answer_never_lowers_a_total(instrument: Instrument, seed: int) -> None:
    rng = np.random.default_rng(seed)
    items = draw_items(instrument, rng)
    item = instrument.items[rng.integers(len(instrument.items))]
    ends = instrument.range_of(item.id)
    worse = ends.low if item.reverse_scored else ends.high
    changed = items.assign(**{item.id: items[item.id].where(items[item.id].isna(), worse)})
    before, after = instrument.score(items), instrument.score(changed)
    assert not (after < before).any()
    assert (after.notna() | before.isna()).all()


@each_scored
def test_nothing_answered_gives_no_total(instrument: Instrument) -> None:
    empty = pd.DataFrame(np.nan, index=[0], columns=[item.id for item in instrument.items])
    assert instrument.score(empty).isna().all()


BANDED = [one for one in SHIPPED.values() if one.bands is not None]


@pytest.mark.parametrize("instrument", BANDED, ids=lambda one: one.id)
def test_bands_cover_the_whole_range_without_a_gap(instrument: Instrument) -> None:
    assert instrument.bands is not None
    levels = instrument.bands.levels
    assert (levels[0].low, levels[-1].high) == (instrument.total.low, instrument.total.high)
    assert all(above.low == below.high + 1 for below, above in pairwise(levels))


@pytest.mark.parametrize(
    ("name", "score", "label"),
    [
        ("phq9", 4, "minimal"),
        ("phq9", 5, "mild"),
        ("phq9", 27, "severe"),
        ("gad7", 15, "severe"),
        ("madrs", 19, "mild"),
        ("madrs", 20, "moderate"),
        ("audit", 16, "harmful"),
        ("cssrs", 3, "moderate"),
        ("ace", 4, "high"),
    ],
)
def test_a_score_falls_in_its_band(
    name: str, score: float, label: str, catalogue: Catalogue
) -> None:
    bands = catalogue.instruments[name].bands
    assert bands is not None
    assert bands.label_of(score) == label
