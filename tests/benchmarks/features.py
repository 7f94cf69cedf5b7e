"""The cost of features: as a ratio to a bare pandas groupby in the same run, and per row.

Run it as a script; it measures and asserts no time. Each figure is the best of three.

Timed as kappredict: `History.cut` (match rows to courses, drop what was known at the landmark or
later) and `build_features` (all aggregates of three instruments, laid out as columns).

Timed as pandas: drop what lies at the landmark or later, sort by day, one `groupby` with named
aggregates, a second pair of them for the change since the first dose, slope and change by
arithmetic on the results, `unstack` into columns. It knows that every course has the same landmark
and that a patient has one course, so it neither matches nor checks anything.

Not timed on either side: making the study. Both answers are compared before they are timed.
"""

import sys
import time
from collections.abc import Callable
from typing import get_args

import numpy as np
import pandas as pd

from kappredict.data.history import History
from kappredict.data.study import Study
from kappredict.domain.features import Aggregate, FeatureSpec, TotalFeature
from kappredict.domain.studies import StudyDefinition
from kappredict.features.build import build_features

INSTRUMENTS = ("a", "b", "c")
AGGREGATES: tuple[Aggregate, ...] = get_args(Aggregate)
SPECS = tuple(
    FeatureSpec(
        name=f"{instrument}_{aggregate}",
        label="",
        kind="numeric",
        group=instrument,
        recipe=TotalFeature(instrument=instrument, aggregate=aggregate),
    )
    for instrument in INSTRUMENTS
    for aggregate in AGGREGATES
)
EACH = 30
LANDMARK = 20.0
REPEATS = 3


def drawn_study(patients: int, seed: int = 0) -> Study:
    """Draw scores around a first dose on day 0, in no order; some lie after the landmark."""
    rng = np.random.default_rng(seed)
    ids = np.char.add("p", np.arange(patients).astype(str))
    rows = patients * EACH
    assessments = pd.DataFrame(
        {
            "patient_id": np.repeat(ids, EACH),
            "day": rng.uniform(-180, 40, rows),
            "instrument": np.tile(np.array(INSTRUMENTS), rows // len(INSTRUMENTS)),
            "value": rng.integers(0, 27, rows).astype(float),
        }
    )
    courses = pd.DataFrame(
        {"course_id": ids, "patient_id": ids, "condition": "x", "index_day": 0.0}
    )
    patients_table = pd.DataFrame({"patient_id": ids})
    return Study.of(
        StudyDefinition(id="drawn", label="Drawn", synthetic=True, licence=""),
        {"patients": patients_table, "courses": courses, "assessments": assessments},
    )


def with_kappredict(study: Study) -> pd.DataFrame:
    """Cut the past and build the features."""
    history = History.cut(study, study.courses.assign(landmark_day=LANDMARK))
    return build_features(history, SPECS).frame


def with_pandas(study: Study) -> pd.DataFrame:
    """Compute the same aggregates as a notebook would."""
    by = ["patient_id", "instrument"]
    scores = study.assessments
    past = scores[scores["day"] < LANDMARK].sort_values("day")
    past = past.assign(xx=past["day"] ** 2, xy=past["day"] * past["value"])
    found = past.groupby(by, sort=False).agg(
        last=("value", "last"),
        first=("value", "first"),
        variability=("value", "std"),
        count=("value", "size"),
        last_day=("day", "last"),
        x=("day", "sum"),
        y=("value", "sum"),
        xx=("xx", "sum"),
        xy=("xy", "sum"),
    )
    n = found["count"]
    slope = 30 * (found["xy"] - found["x"] * found["y"] / n) / (found["xx"] - found["x"] ** 2 / n)
    before = past[past["day"] < 0].groupby(by, sort=False)["value"].last()
    since = past[past["day"] >= 0].groupby(by, sort=False)["value"].last()
    columns = found.assign(
        change=(found["last"] - found["first"]).where(n > 1),
        slope=slope.where(n > 1),
        recency=LANDMARK - found["last_day"],
        early_change=since - before,
    )
    return columns[list(AGGREGATES)].unstack()  # noqa: PD010  # what a notebook would write


def largest_difference(study: Study) -> float:
    """Give the largest difference between the two answers; infinite where one is missing."""
    ours = with_kappredict(study)
    wide = with_pandas(study).reindex(study.courses["patient_id"])
    theirs = np.column_stack([wide[(s.recipe.aggregate, s.recipe.instrument)] for s in SPECS])
    counts = [s.recipe.aggregate == "count" for s in SPECS]
    theirs[:, counts] = np.nan_to_num(theirs[:, counts])
    if (np.isnan(ours.to_numpy()) != np.isnan(theirs)).any():
        return np.inf
    return float(np.nanmax(np.abs(ours.to_numpy() - theirs)))


def seconds(compute: Callable[[Study], object], study: Study) -> float:
    """Time the best of a few runs."""
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        compute(study)
        taken.append(time.perf_counter() - started)
    return min(taken)


def main() -> None:
    """Print the table; exit 1 where the two answers differ."""
    difference = largest_difference(drawn_study(3_000))
    print(f"{len(SPECS)} features, {EACH} scores a patient; largest difference {difference:.1e}\n")
    if difference > 1e-6:
        sys.exit("the two answers differ: their times say nothing")
    print(" patients      rows  kappredict    pandas  ratio  kappredict, µs a row")
    for patients in (10_000, 30_000, 100_000):
        study = drawn_study(patients)
        rows = patients * EACH
        ours, theirs = seconds(with_kappredict, study), seconds(with_pandas, study)
        print(
            f"{patients:9,d} {rows:9,d} {ours:9.2f} s {theirs:7.2f} s {ours / theirs:6.2f}"
            f" {1e6 * ours / rows:21.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
