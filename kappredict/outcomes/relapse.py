"""Relapse: for those at risk, the interval of days in which it happened, and what ended the wait.

A visit shows that relapse happened since the visit before: the time is interval-censored. A course
that was last seen well is right-censored there. An event of the history has a day of its own. A
competing event (death, another treatment) ends the at-risk period and is no relapse.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kappredict.data.study import Study
from kappredict.domain.conditions import Condition
from kappredict.domain.rules import Rule, reads_scores
from kappredict.outcomes.response import ResponseOutcome
from kappredict.outcomes.scale import Judgement, judgements
from kappredict.outcomes.visits import due_visits, events_of, of_course

RELAPSE = 1
FIRST_COMPETING = 2


@dataclass(frozen=True)
class RelapseOutcome:
    """Relapse of each course.

    `judged` has one row per course of the cohort, indexed by `course_id`: `lower` and `upper`
    (days since `start_day`; `0 ≤ lower ≤ upper`, `upper` infinite if relapse was not seen),
    `event` (0 censored, 1 relapse, 2 and on the condition's competing events in order),
    `start_day` (from the index day: where the clock or the landmark began, whichever is later)
    and `status`: `at_risk`, or the reason why the course is not.

    Raises
    ------
    ValueError
        If an interval of a course at risk is out of order.
    """

    judged: pd.DataFrame

    def __post_init__(self) -> None:
        rows = self.judged[self.judged["status"] == "at_risk"]
        ordered = (rows["lower"] >= 0) & (rows["lower"] <= rows["upper"])
        if not ordered.all():
            raise ValueError(f"{(~ordered).sum()} intervals are not ordered 0 <= lower <= upper")


def judge_relapse(
    study: Study, courses: pd.DataFrame, condition: Condition, response: ResponseOutcome
) -> RelapseOutcome:
    """Judge relapse of each course of a cohort.

    `courses` needs the study's course columns and `landmark_day`. Where the clock starts with
    response, only courses that responded are at risk, from the day on which it was seen.
    """
    answers = [
        _judge(study, judgement, condition, response)
        for judgement in judgements(study, courses, condition)
    ]
    columns = ["lower", "upper", "event", "start_day", "status"]
    answered = pd.concat(answers) if answers else pd.DataFrame(columns=columns)
    judged = answered.reindex(courses["course_id"])
    return RelapseOutcome(judged.assign(status=judged["status"].fillna("no scale fits")))


def _judge(
    study: Study, judgement: Judgement, condition: Condition, response: ResponseOutcome
) -> pd.DataFrame:
    """Judge the courses of one scale."""
    courses = judgement.courses
    clock, reason = _clock(courses, condition, response)
    landmark = (courses["landmark_day"] - courses["index_day"]).to_numpy()
    start = pd.Series(np.fmax(clock, landmark), index=courses["course_id"])
    timeline = pd.DataFrame({"course_id": courses["course_id"].to_numpy(), "clock": clock})
    rows = _rows(study, judgement, condition, timeline, start)
    rule = judgement.scale.relapse.when
    before = rows[rows["known_day"] < of_course(start, rows)]
    early = set(before.loc[rule.holds(before).fillna(False).astype(bool), "course_id"])
    reason = reason.mask(
        reason.isna() & courses["course_id"].isin(early).to_numpy(), "relapsed before the landmark"
    )
    times = _times(rows, rule, condition, start)
    times = times.reindex(courses["course_id"])
    if not reads_scores(rule):
        seen = (courses["last_day"] - courses["index_day"]).to_numpy() - start.to_numpy()
        times["lower"] = np.where(
            times["event"].fillna(0) == 0, np.clip(seen, 0, condition.at_risk.days), times["lower"]
        )
    times = times.assign(start_day=start, status=reason.to_numpy())
    unseen = times["status"].isna() & ~(times["upper"] < np.inf) & ~(times["lower"] > 0)
    return times.assign(
        upper=times["upper"].fillna(np.inf),
        event=times["event"].fillna(0).astype(int),
        status=times["status"].mask(unseen, "not seen after the clock started").fillna("at_risk"),
    )


def _clock(
    courses: pd.DataFrame, condition: Condition, response: ResponseOutcome
) -> tuple[np.ndarray, pd.Series]:
    """Give the day on which each clock starts, from the index day, or why it does not."""
    if condition.at_risk.clock_starts == "index_day":
        return np.zeros(len(courses)), pd.Series(pd.NA, index=range(len(courses)), dtype="str")
    judged = response.judged.loc[courses["course_id"]]
    reason = np.select(
        [judged["holds"].isna().to_numpy(), ~judged["holds"].fillna(True).to_numpy(dtype=bool)],
        ["response not assessed", "did not respond"],
        default="",
    )
    day = np.where(reason == "", judged["day"].to_numpy(), np.nan)
    return day, pd.Series(reason, dtype="str").replace("", pd.NA)


def _rows(
    study: Study,
    judgement: Judgement,
    condition: Condition,
    timeline: pd.DataFrame,
    start: pd.Series,
) -> pd.DataFrame:
    """Lay visits and events of the at-risk period in order, with baseline and best score so far."""
    visits = judgement.visits(study, judgement.scale.relapse)
    visits = visits[visits["day"] - judgement.scale.covers_days >= of_course(start, visits)]
    if condition.visits is not None:
        visits = due_visits(
            visits,
            judgement.courses,
            start.set_axis(judgement.courses.index),
            condition.visits,
            condition.at_risk.days + np.nan_to_num(timeline["clock"].max()),
        )
    events = events_of(study, judgement.courses)
    rows = pd.concat([visits.dropna(subset=["score"]), events]).merge(timeline, on="course_id")
    since = rows["day"] - rows["clock"]
    rows = rows[(since >= 0) & (since <= condition.at_risk.days)]
    rows = rows.sort_values(["course_id", "day"], kind="stable", ignore_index=True)
    best = rows.groupby("course_id")["score"].cummin().groupby(rows["course_id"]).ffill()
    return rows.assign(best=best, baseline=of_course(judgement.baseline, rows))


def _times(rows: pd.DataFrame, rule: Rule, condition: Condition, start: pd.Series) -> pd.DataFrame:
    """Find, after each start, the last visit without relapse and what ended the wait."""
    after = rows[rows["day"] > of_course(start, rows)]
    days = after["day"] - of_course(start, after)
    holds = rule.holds(after)
    is_visit = after["event"].isna()
    code = _event_codes(after, holds, condition)
    ended = after.assign(days=days, code=code)[code > 0].groupby("course_id").first()
    end = np.nan_to_num(of_course(ended["days"], after), nan=np.inf)
    well = is_visit & (holds == False).fillna(False) & (days < end)  # noqa: E712  # NA is not False
    lower = days[well].groupby(after["course_id"]).max()
    times = pd.DataFrame({"lower": lower}).reindex(start.index).fillna(0.0)
    times = times.assign(
        event=ended["code"].reindex(start.index).fillna(0).astype(int),
        upper=ended["days"].reindex(start.index),
    )
    # An event of the history happened on its day, and a competing one hides any relapse behind it.
    exact = ended["event"].notna().reindex(start.index, fill_value=False)
    times["lower"] = times["lower"].mask(exact, times["upper"])
    return times.assign(upper=times["upper"].fillna(np.inf))


def _event_codes(rows: pd.DataFrame, holds: pd.Series, condition: Condition) -> pd.Series:
    """Give what each row shows: 0 nothing, 1 relapse, 2 and on a competing event."""
    code = holds.fillna(False).astype(bool).astype(int) * RELAPSE
    for number, competing in enumerate(condition.at_risk.competing, start=FIRST_COMPETING):
        code = code.mask(rows["event"].isin(competing.codes), number)
    return code


def event_labels(condition: Condition) -> Iterator[str]:
    """Name the values of `event`, from 0 on."""
    yield from ("censored", "relapse")
    yield from (competing.label for competing in condition.at_risk.competing)
