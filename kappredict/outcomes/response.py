"""Response and remission: true, false, or not assessed, for each course."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kappredict.cohort.courses import anchor_days
from kappredict.data.study import Study
from kappredict.domain.conditions import Condition, Outcome
from kappredict.domain.windows import AssessmentWindow
from kappredict.outcomes.scale import Judgement, judgements
from kappredict.outcomes.visits import due_visits, of_course


@dataclass(frozen=True)
class ResponseOutcome:
    """Response or remission of each course.

    `judged` has one row per course of the cohort, indexed by `course_id`: `holds` (True, False or
    NA, which is not assessed), `day` (of the deciding visit, from the index day), its `score`, the
    `baseline` score, `has_scale` (False where no scale of the condition fits the course) and
    `settled_day` (the day on which the
    answer was already known to be no; NaN if it never was before the window's end).
    """

    judged: pd.DataFrame


def judge_response(
    study: Study, courses: pd.DataFrame, condition: Condition, outcome: Outcome
) -> ResponseOutcome:
    """Judge response or remission of each course in its window.

    `courses` needs the study's course columns. The window counts from the index day or the last
    dose; see `AssessmentWindow` for which of its visits decide.
    """
    window = condition.window_of(outcome)
    shift = anchor_days(study.sessions, courses, window.anchor) - courses["index_day"]
    anchor = pd.Series(shift.to_numpy(), index=courses["course_id"])
    answers = [
        _judge(study, judgement, condition, outcome, anchor)
        for judgement in judgements(study, courses, condition)
    ]
    empty = pd.DataFrame(columns=["holds", "day", "score", "baseline", "settled_day"])
    answered = pd.concat(answers) if answers else empty
    judged = answered.reindex(courses["course_id"])
    return ResponseOutcome(
        judged.assign(
            holds=judged["holds"].astype("boolean"),
            day=judged["day"].astype("float64"),
            score=judged["score"].astype("float64"),
            baseline=judged["baseline"].astype("float64"),
            settled_day=judged["settled_day"].astype("float64"),
            has_scale=judged.index.isin(answered.index),
        )
    )


def assessment_opens(
    study: Study, courses: pd.DataFrame, condition: Condition, outcome: Outcome
) -> pd.Series:
    """Give the day, on the patient's own clock, on which each course's outcome window opens."""
    window = condition.window_of(outcome)
    return anchor_days(study.sessions, courses, window.anchor) + window.start_day


def _judge(
    study: Study,
    judgement: Judgement,
    condition: Condition,
    outcome: Outcome,
    anchor: pd.Series,
) -> pd.DataFrame:
    judged = judgement.scale.response if outcome == "response" else judgement.scale.remission
    window = condition.window_of(outcome)
    visits = judgement.visits(study, judged)
    if condition.visits is not None:
        start = pd.Series(0.0, index=judgement.courses.index)
        visits = due_visits(visits, judgement.courses, start, condition.visits, window.end_day)
    visits = visits[visits["day"] >= judgement.scale.covers_days].copy()
    visits["since_anchor"] = visits["day"] - of_course(anchor, visits)
    inside = visits[window.contains(visits["since_anchor"])].dropna(subset=["score"])
    inside = inside.assign(baseline=of_course(judgement.baseline, inside), best=np.nan)
    inside["holds"] = judged.when.holds(inside)
    deciders = {"last": _last, "every": _every}
    return deciders[window.judged_on](inside, window).reindex(judgement.courses["course_id"])


def _last(visits: pd.DataFrame, window: AssessmentWindow) -> pd.DataFrame:
    """Take the answer of the last visit inside the window."""
    last = visits.groupby("course_id")[["holds", "day", "score", "baseline"]].last()
    return last.assign(settled_day=np.nan)


def _every(visits: pd.DataFrame, window: AssessmentWindow) -> pd.DataFrame:
    """Ask every visit: one no settles it; yes needs to have been seen near the window's end."""
    failed = visits[~visits["holds"].fillna(True)]
    settled = failed.groupby("course_id")["known_day"].min()
    by_course = visits.groupby("course_id")
    last = by_course[["day", "score", "baseline", "since_anchor"]].last()
    seen_to_the_end = last["since_anchor"] >= window.end_day - window.closing_days
    holds = pd.Series(True, index=last.index, dtype="boolean").mask(~seen_to_the_end)
    no = last.index.isin(settled.index)
    return pd.DataFrame(
        {
            "holds": holds.mask(no, False),
            "day": last["day"],
            "score": last["score"],
            "baseline": last["baseline"],
            "settled_day": settled.reindex(last.index),
        }
    )
