"""The figures that a gate compares, of two models on the same courses, resampled together."""

from dataclasses import dataclass

import numpy as np

from kappredict.estimators.targets import Times
from kappredict.evaluation.bootstrap import Statistic, bootstrap
from kappredict.evaluation.calibration_curve import distances
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.external import Asked
from kappredict.evaluation.metrics_binary import auc, brier
from kappredict.evaluation.metrics_survival import (
    SeenTimes,
    SurvivalPredictions,
    survival_statistic,
)
from kappredict.evaluation.question import Question
from kappredict.evaluation.questions import questions
from kappredict.evaluation.subgroups import divisions

MORE_IS_BETTER = ("discrimination", "worst_group")


@dataclass(frozen=True)
class PairedFigure:
    """A figure of both models, and the challenger's minus the champion's."""

    name: str
    challenger: Estimate
    champion: Estimate
    difference: Estimate

    @property
    def gain(self) -> Estimate:
        """The difference, turned so that more is better."""
        one = self.difference
        if self.name in MORE_IS_BETTER:
            return one
        return Estimate(-one.value, -one.high, -one.low)


def paired_figures(
    challenger: Asked, champion: Asked, *, least_in_group: int, seed: int, resamples: int
) -> list[PairedFigure]:
    """Give discrimination, brier, ici and worst_group of both.

    Discrimination is the AUC or, for relapse, Uno's C up to the last horizon that was followed;
    brier is then the integrated score, and the other two are of that horizon. `worst_group` is
    the lowest AUC of any group with `least_in_group` courses on either side of the outcome; NaN
    where no group has. The rows of both are the same, in the same folds, with the outcome known.
    """
    groups = _groups(challenger, least_in_group)
    first, second = (_statistic(one, challenger, groups) for one in (challenger, champion))

    def all_three(weights: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        mine, theirs = first(weights), second(weights)
        return {
            (name, which): value
            for name in mine
            for which, value in (
                ("challenger", mine[name]),
                ("champion", theirs[name]),
                ("difference", mine[name] - theirs[name]),
            )
        }

    patients = challenger.data.rows.patients
    found = bootstrap(all_three, patients, seed=seed, resamples=resamples)
    return [
        PairedFigure(
            name, *(found[name, which] for which in ("challenger", "champion", "difference"))
        )
        for name in dict.fromkeys(name for name, _ in found)
    ]


def last_question(asked: Asked, judged: Asked) -> Question | None:
    """Ask for the outcome or for relapse by the last horizon that was followed, if any was.

    Parameters
    ----------
    judged
        Whose data say what came of the courses.
    """
    everyone = np.arange(len(judged.data.target))
    asked_by_name = questions(judged.data, asked.predicted, everyone)
    return next(reversed(asked_by_name.values()), None)


def _groups(asked: Asked, least: int) -> list[np.ndarray]:
    """Give the rows of each group that is large enough to be judged."""
    question = last_question(asked, asked)
    if question is None:
        return []
    seen = question.weights > 0
    found = []
    for column in divisions(asked.data, np.arange(len(seen))).values():
        for group in column.dropna().unique():
            rows = np.flatnonzero((column == group).to_numpy(dtype=bool) & seen)
            events = question.outcome[rows].sum()
            if min(events, len(rows) - events) >= least:
                found.append(rows)
    return found


def _statistic(asked: Asked, judged: Asked, groups: list[np.ndarray]) -> Statistic[str]:
    question = last_question(asked, judged)

    def figures(
        outcome: np.ndarray, probability: np.ndarray, fold: np.ndarray, weights: np.ndarray
    ) -> dict[str, np.ndarray]:
        by_group = [
            auc(outcome[rows], probability[rows], fold[rows], weights[:, rows]) for rows in groups
        ]
        return {
            "discrimination": auc(outcome, probability, fold, weights),
            "brier": brier(outcome, probability, weights),
            "ici": distances(outcome, probability, weights)["ici"],
            "worst_group": np.min(by_group, axis=0) if groups else np.full(len(weights), np.nan),
        }

    by_question = question.statistic(figures) if question else lambda _: {}
    over_time = _over_time(asked, judged)
    return lambda weights: {**by_question(weights), **over_time(weights)}


def _over_time(asked: Asked, judged: Asked) -> Statistic[str]:
    """Give discrimination and accuracy over the whole at-risk period; nothing of a yes or no."""
    target = judged.data.target
    if not isinstance(target, Times):
        return lambda _: {}
    one = asked.predicted
    statistic = survival_statistic(
        SeenTimes.of(target.lower, target.upper, target.event),
        SurvivalPredictions(one.predictions, one.days, one.folds, tuple(one.days)),
    )

    def named(weights: np.ndarray) -> dict[str, np.ndarray]:
        found = statistic(weights)
        return {
            "discrimination": found["c_index", ""],
            "brier": found["integrated_brier", ""],
        }

    return named
