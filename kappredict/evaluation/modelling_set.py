"""The modelling set: features and outcomes of the same courses, in the same order, with groups."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from kappredict.cohort.attrition import Attrition
from kappredict.cohort.courses import Cohort, find_cohort
from kappredict.config.catalogue import Catalogue
from kappredict.data.history import History
from kappredict.data.study import Study
from kappredict.domain.features import FeatureSpec
from kappredict.domain.task import PredictionTask
from kappredict.errors import RefusedError, TooFewEventsError
from kappredict.estimators.fit import Rows, stack_rows
from kappredict.estimators.targets import Target, Times, YesNo
from kappredict.features.build import build_features
from kappredict.features.specs import feature_specs
from kappredict.features.table import FeatureTable
from kappredict.outcomes.relapse import judge_relapse
from kappredict.outcomes.response import ResponseOutcome, assessment_opens, judge_response


@dataclass(frozen=True)
class ModellingSet:
    """What a task's model is trained and evaluated on.

    `courses` (with `site`, `study`, `arm`, `patient_id`, `enrolled_on`, and the scores that
    response was judged on), `features` and `target` have the same rows in the same order, those not
    assessed among them; `context` are the same features when outcomes were about to be assessed
    (see `Rows`); `attrition` says who was left out on the way. `kin` are the sets of the
    same outcome and landmark in the study's other conditions.
    """

    task: PredictionTask
    courses: pd.DataFrame
    features: FeatureTable
    context: FeatureTable
    target: Target
    attrition: Attrition
    kin: tuple["ModellingSet", ...] = field(default=())

    def __post_init__(self) -> None:
        sizes = {len(self.courses), len(self.features), len(self.target)}
        if len(sizes) != 1:
            raise ValueError(f"courses, features and outcomes differ in length: {sorted(sizes)}")

    @cached_property
    def rows(self) -> Rows:
        """The rows of the task's own condition."""
        patients, studies, sites = (
            self.courses[name].astype("str").to_numpy(dtype=object)
            for name in ("patient_id", "study", "site")
        )
        own = np.zeros(len(self.target), dtype=int)
        return Rows(self.features, self.context, self.target, patients, studies, sites, own)

    @property
    def all_courses(self) -> pd.DataFrame:
        """The courses of `all_rows`, in their order."""
        return pd.concat([self.courses, *(one.courses for one in self.kin)], ignore_index=True)

    @property
    def all_rows(self) -> Rows:
        """What an estimator may see: the condition's own rows, and after them those of its kin."""
        return stack_rows([self.rows, *(one.rows for one in self.kin)])

    @cached_property
    def weights(self) -> np.ndarray:
        """What each row weighs in figures: those assessed stand for those who were not."""
        return self.rows.weights

    def take(self, rows: np.ndarray) -> "ModellingSet":
        """Give the set of some courses, without its kin."""
        same = self.context is self.features
        features = self.features.take(rows)
        return ModellingSet(
            self.task,
            self.courses.iloc[rows].reset_index(drop=True),
            features,
            features if same else self.context.take(rows),
            self.target.take(rows),
            self.attrition,
        )

    def require_events(self, least: int) -> None:
        """Refuse a set that is too small to model.

        Raises
        ------
        RefusedError, TooFewEventsError
            If no course was assessed, or the rarer side of the outcome has fewer than `least`.
        """
        if not self.target.n:
            steps = "; ".join(f"{label}: {n}" for label, n in self.attrition.steps)
            raise RefusedError(f"{self.task.name}: no course could be used ({steps})")
        n, events = self.target.n, self.target.events
        if min(events, n - events) < least:
            raise TooFewEventsError(self.task.name, n, events, least)


def build_modelling_set(study: Study, catalogue: Catalogue, task: PredictionTask) -> ModellingSet:
    """Go from a study's tables to the modelling set of a task, with every feature it can have."""
    return set_with_features(study, task, feature_specs(catalogue, study, task.condition.id))


def set_with_features(
    study: Study, task: PredictionTask, specs: tuple[FeatureSpec, ...]
) -> ModellingSet:
    """Go from a study's tables to the modelling set of a task, with certain features.

    A feature that the study has no rows for is missing throughout.
    """
    cohort = find_cohort(study, task)
    outcome = "response" if task.is_relapse else task.outcome
    response = judge_response(study, cohort.courses, task.condition, outcome)
    judge = _relapse_target if task.is_relapse else _response_target
    kept, target, attrition = judge(study, cohort, response)
    scores = response.judged[["baseline", "score"]].add_prefix("judged_").reset_index(drop=True)
    courses = cohort.courses.join(scores)[kept].reset_index(drop=True)
    features = build_features(History.cut(study, courses), specs)
    context = features
    if not task.is_relapse:  # of relapse something is known of everybody, if only up to a day
        opening = assessment_opens(study, courses, task.condition, outcome)
        later = courses.assign(landmark_day=opening.clip(lower=courses["landmark_day"]))
        context = build_features(History.cut(study, later), specs)
    return ModellingSet(task, courses, features, context, target, attrition)


def with_kin(sets: Sequence[ModellingSet]) -> list[ModellingSet]:
    """Let each set lean on those of the same outcome and landmark, and of the same features."""
    return [
        replace(
            one,
            kin=tuple(
                other
                for other in sets
                if other is not one
                and (other.task.outcome, other.task.landmark)
                == (one.task.outcome, one.task.landmark)
            ),
        )
        for one in sets
    ]


def _response_target(
    study: Study, cohort: Cohort, response: ResponseOutcome
) -> tuple[np.ndarray, Target, Attrition]:
    """Keep the courses in which the outcome was open at the landmark, assessed later or not."""
    del study
    judged = response.judged
    landmark = (cohort.courses["landmark_day"] - cohort.courses["index_day"]).to_numpy()
    has_scale = judged["has_scale"].to_numpy(dtype=bool)
    still_open = has_scale & ~(judged["settled_day"].to_numpy() < landmark)
    assessed = still_open & judged["holds"].notna().to_numpy()
    attrition = (
        cohort.attrition.step("with a baseline score on an accepted scale", int(has_scale.sum()))
        .step("with the outcome still open at the landmark", int(still_open.sum()))
        .step("with the outcome assessed", int(assessed.sum()))
    )
    outcome = judged["holds"][still_open].to_numpy(dtype="float64", na_value=np.nan)
    return still_open, YesNo(outcome), attrition


def _relapse_target(
    study: Study, cohort: Cohort, response: ResponseOutcome
) -> tuple[np.ndarray, Target, Attrition]:
    """Keep the courses at risk of relapse and seen afterwards."""
    condition = cohort.task.condition
    judged = judge_relapse(study, cohort.courses, condition, response).judged
    reasons = judged.loc[judged["status"] != "at_risk", "status"].value_counts()
    attrition = cohort.attrition.leaving_out(
        {f"left after leaving out: {reason}": int(n) for reason, n in reasons.items()}
    )
    kept = (judged["status"] == "at_risk").to_numpy()
    rows = judged[kept]
    target = Times(
        rows["lower"].to_numpy(dtype="float64"),
        rows["upper"].to_numpy(dtype="float64"),
        rows["event"].to_numpy(dtype=int),
        longest=max(condition.at_risk.horizons),
    )
    return kept, target, attrition
