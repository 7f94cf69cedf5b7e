"""What each kind of outcome rule answers, in tables that a clinician can check."""

from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from reading import drawn

from kappredict.domain.rules import Rule, needs_baseline, reads_scores, thresholds


def rule(kind: str, **values: Any) -> Rule:
    return TypeAdapter(Rule).validate_python({"rule": kind, **values})


def visits_of(**columns: Any) -> pd.DataFrame:
    """Lay out visits with every column that a rule may read."""
    blank = {"course_id": "c", "score": np.nan, "baseline": np.nan, "best": np.nan, "event": None}
    visits = pd.DataFrame(columns)
    return visits.assign(**{name: value for name, value in blank.items() if name not in visits})


def read_visits(table: pd.DataFrame) -> pd.DataFrame:
    words = {"course_id", "event"} & set(table.columns)
    numbers = table.drop(columns=[*words, "holds"]).replace("", np.nan).astype("float64")
    return visits_of(**{**numbers, **{name: table[name].replace("", None) for name in words}})


def in_words(answers: pd.Series) -> list[str]:
    return ["not assessed" if pd.isna(one) else "yes" if one else "no" for one in answers]


HALVED = rule("fall_by_fraction", fraction=0.5)
POINTS = rule("fall_by_points", points=10)
LOST = rule("fall_lost_below_fraction", fraction=0.3)
RISE = rule("rise_by_points", points=10)
BELOW_5 = rule("below", score=5)
AT_MOST_5 = rule("at_most", score=5)
AT_LEAST_22 = rule("at_least", score=22)
ADMITTED = rule("event_in_history", codes=["admission"])
TWICE = rule("consecutive", visits=2, of=AT_LEAST_22.model_dump())
THRICE = rule("consecutive", visits=3, of=AT_LEAST_22.model_dump())
EITHER = rule("any_of", of=[RISE.model_dump(), AT_LEAST_22.model_dump()])
BOTH = rule("all_of", of=[RISE.model_dump(), AT_LEAST_22.model_dump()])
TWICE_OR_ADMITTED = rule("any_of", of=[TWICE.model_dump(), ADMITTED.model_dump()])

TABLES: dict[str, tuple[Rule, str]] = {
    "a fall by half: half is enough, less is not": (
        HALVED,
        """
        baseline | score | holds
        20       | 10    | yes
        20       | 11    | no
        21       | 10    | yes
        21       | 11    | no
        20       | 24    | no
        """,
    ),
    "a missing score is not assessed, never non-response": (
        HALVED,
        """
        baseline | score | holds
        20       |       | not assessed
                 | 4     | not assessed
                 |       | not assessed
        """,
    ),
    "from a baseline of 0 nothing can fall by a fraction": (
        HALVED,
        """
        baseline | score | holds
        0        | 0     | not assessed
        0        | 3     | not assessed
        """,
    ),
    "a fall by points": (
        POINTS,
        """
        baseline | score | holds
        40       | 30    | yes
        40       | 31    | no
        40       |       | not assessed
        """,
    ),
    "a response is lost when less than the fraction is left of the fall": (
        LOST,
        """
        baseline | score | holds
        40       | 28    | no
        40       | 29    | yes
        40       | 45    | yes
        40       |       | not assessed
        """,
    ),
    "a rise counts from the best score, not from the last": (
        RISE,
        """
        best | score | holds
        8    | 18    | yes
        8    | 17    | no
        8    |       | not assessed
             | 18    | not assessed
        """,
    ),
    "below leaves the limit out": (
        BELOW_5,
        """
        score | holds
        4     | yes
        5     | no
              | not assessed
        """,
    ),
    "at most takes the limit in": (
        AT_MOST_5,
        """
        score | holds
        5     | yes
        6     | no
              | not assessed
        """,
    ),
    "at least takes the limit in": (
        AT_LEAST_22,
        """
        score | holds
        22    | yes
        21    | no
              | not assessed
        """,
    ),
    "an event counts by its code": (
        ADMITTED,
        """
        score | event     | holds
              | admission | yes
              | death     | no
        8     |           | no
        """,
    ),
    "either: one that holds is enough, whatever the other": (
        EITHER,
        """
        best | score | holds
        20   | 30    | yes
        20   | 22    | yes
        5    | 16    | yes
        5    | 8     | no
             | 22    | yes
             | 8     | not assessed
        """,
    ),
    "both: one that fails is enough, whatever the other": (
        BOTH,
        """
        best | score | holds
        20   | 30    | yes
        20   | 22    | no
        5    | 16    | no
             | 22    | not assessed
             | 8     | no
        """,
    ),
    "twice in a row, told at the first of the two": (
        TWICE,
        """
        course_id | score | holds
        a         | 25    | no
        a         | 10    | no
        a         | 25    | yes
        a         | 30    | yes
        a         | 24    | not assessed
        """,
    ),
    "a run is not carried over from one course to the next": (
        TWICE,
        """
        course_id | score | holds
        a         | 25    | not assessed
        b         | 25    | yes
        b         | 25    | not assessed
        """,
    ),
    "a good last visit settles it; a bad one does not": (
        TWICE,
        """
        course_id | score | holds
        a         | 25    | no
        a         | 10    | no
        b         | 10    | no
        b         | 25    | not assessed
        """,
    ),
    "three in a row": (
        THRICE,
        """
        score | holds
        25    | no
        25    | no
        10    | no
        25    | yes
        25    | not assessed
        25    | not assessed
        """,
    ),
    "an event between two visits does not break a run": (
        TWICE,
        """
        score | event     | holds
        25    |           | yes
              | admission | not assessed
        25    |           | not assessed
        """,
    ),
    "twice in a row, or an admission": (
        TWICE_OR_ADMITTED,
        """
        score | event     | holds
        10    |           | no
              | admission | yes
              | death     | not assessed
        25    |           | yes
        25    |           | not assessed
        """,
    ),
}


@pytest.mark.parametrize("title", TABLES)
def test_the_rule_answers_as_drawn(title: str) -> None:
    judged, table = TABLES[title]
    lines = drawn(table)
    assert in_words(judged.holds(read_visits(lines))) == lines["holds"].tolist()


SCORE = st.one_of(st.none(), st.integers(0, 63))
ROWS = st.lists(st.tuples(st.sampled_from("abc"), SCORE, SCORE), min_size=1, max_size=20)
SIMPLE = st.sampled_from([HALVED, POINTS, LOST, BELOW_5, AT_MOST_5, AT_LEAST_22])
EVERY = st.sampled_from([judged for judged, _ in TABLES.values()])


def as_visits(rows: list[tuple[str, int | None, int | None]]) -> pd.DataFrame:
    rows = sorted(rows, key=lambda row: row[0])
    course, baseline, score = zip(*rows, strict=True)
    numbers = {"baseline": baseline, "score": score, "best": score}
    return visits_of(
        course_id=list(course),
        **{name: pd.Series(values, dtype="float64") for name, values in numbers.items()},
    )


@given(SIMPLE, ROWS)
def test_a_missing_score_is_never_an_answer(
    judged: Rule, rows: list[tuple[str, int | None, int | None]]
) -> None:
    visits = as_visits(rows)
    assert judged.holds(visits)[visits["score"].isna()].isna().all()


@given(EVERY, ROWS)
def test_a_course_is_judged_by_its_own_visits_alone(
    judged: Rule, rows: list[tuple[str, int | None, int | None]]
) -> None:
    visits = as_visits(rows)
    together = judged.holds(visits)
    for _, own in visits.groupby("course_id"):
        pd.testing.assert_series_equal(judged.holds(own), together[own.index])


@given(
    st.sampled_from(["0.3", "0.35", "0.5"]), st.integers(1, 144), st.data()
)  # exact fractions have no rounding, so they say what the limit itself must give
def test_the_limit_of_a_fall_is_exact(fraction: str, baseline: int, data: st.DataObject) -> None:
    score = data.draw(st.integers(0, baseline))
    judged = rule("fall_by_fraction", fraction=float(fraction))
    visits = visits_of(baseline=[float(baseline)], score=[float(score)])
    exact = Fraction(baseline - score) >= Fraction(fraction) * baseline
    assert bool(judged.holds(visits).iloc[0]) == exact


@given(st.floats(0.05, 1), ROWS)
def test_a_response_is_lost_exactly_where_it_no_longer_holds(
    fraction: float, rows: list[tuple[str, int | None, int | None]]
) -> None:
    visits = as_visits(rows)
    response = rule("fall_by_fraction", fraction=fraction).holds(visits)
    lost = rule("fall_lost_below_fraction", fraction=fraction).holds(visits)
    pd.testing.assert_series_equal(lost, ~response)


@given(ROWS, st.integers(2, 4))
def test_a_run_holds_only_where_its_rule_does_and_a_longer_run_is_rarer(
    rows: list[tuple[str, int | None, int | None]], length: int
) -> None:
    visits = as_visits(rows)
    once = AT_LEAST_22.holds(visits).fillna(False)
    shorter, longer = (
        rule("consecutive", visits=n, of=AT_LEAST_22.model_dump()).holds(visits).fillna(False)
        for n in (length, length + 1)
    )
    assert not (longer & ~shorter).any()
    assert not (shorter & ~once).any()


def test_the_scores_a_rule_compares_with_are_found_however_deep() -> None:
    nested = rule("any_of", of=[TWICE.model_dump(), BELOW_5.model_dump(), HALVED.model_dump()])
    assert thresholds(nested) == [22, 5]


def test_a_rule_needs_a_baseline_if_any_part_of_it_does() -> None:
    assert needs_baseline(rule("consecutive", visits=2, of=LOST.model_dump()))
    assert needs_baseline(rule("all_of", of=[AT_MOST_5.model_dump(), HALVED.model_dump()]))
    assert not needs_baseline(TWICE_OR_ADMITTED)
    assert not needs_baseline(RISE)


def test_a_rule_made_of_events_alone_reads_no_scores() -> None:
    assert not reads_scores(ADMITTED)
    assert not reads_scores(rule("any_of", of=[ADMITTED.model_dump()]))
    assert reads_scores(TWICE_OR_ADMITTED)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rule": "fall_by_fraction", "fraction": 0},
        {"rule": "fall_by_fraction", "fraction": 1.5},
        {"rule": "fall_by_points", "points": 0},
        {"rule": "consecutive", "visits": 1, "of": {"rule": "below", "score": 5}},
        {"rule": "any_of", "of": []},
        {"rule": "event_in_history", "codes": []},
        {"rule": "gets_better"},
        {"rule": "below", "score": 5, "visits": 2},
    ],
)
def test_a_rule_that_makes_no_sense_cannot_be_written(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Rule).validate_python(wrong)
