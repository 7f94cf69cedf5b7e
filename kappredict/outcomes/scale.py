"""The scale on which each course is judged: the first of the condition's that it has scores on."""

from dataclasses import dataclass

import pandas as pd

from kappredict.data.study import Study
from kappredict.domain.conditions import Condition, Judged, Scale
from kappredict.domain.rules import reads_scores
from kappredict.outcomes.visits import baseline_scores, visits_on


@dataclass(frozen=True)
class Judgement:
    """One scale, the courses judged on it, and their baseline scores (NaN where not needed)."""

    scale: Scale
    courses: pd.DataFrame
    baseline: pd.Series

    def visits(self, study: Study, judged: Judged) -> pd.DataFrame:
        """Take the courses' visits on the scale, or on the item that the rule itself names."""
        return visits_on(study, self.courses, self.scale.instrument, judged.item or self.scale.item)


def judgements(study: Study, courses: pd.DataFrame, condition: Condition) -> list[Judgement]:
    """Give each course its scale, in the condition's order of preference.

    A scale whose rules compare with the baseline needs a baseline score; another needs any score,
    or none where a missed visit has a score of its own, or relapse is an event of the history.
    Courses that fit no scale are in none of the answers.
    """
    found = []
    left = courses
    for scale in condition.scales:
        visits = visits_on(study, left, scale.instrument, scale.item)
        baseline = baseline_scores(visits, condition.baseline_in)
        usable = baseline.index if scale.needs_baseline else _seen(left, visits, condition, scale)
        mine = left[left["course_id"].isin(usable)]
        if len(mine):
            by_course = baseline.reindex(mine["course_id"]).astype("float64")
            found.append(Judgement(scale, mine, by_course))
        left = left[~left["course_id"].isin(usable)]
    return found


def _seen(
    courses: pd.DataFrame, visits: pd.DataFrame, condition: Condition, scale: Scale
) -> pd.Index:
    due = condition.visits
    counts_missed = due is not None and due.missed_score is not None
    needs_none = counts_missed or not reads_scores(scale.relapse.when)
    return pd.Index((courses if needs_none else visits)["course_id"].unique())
