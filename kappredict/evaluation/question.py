"""A question with a yes or a no, put to every course: response, or relapse by some day.

Response is known of those assessed; relapse by a horizon of those followed to it, or whose wait
ended before. Weights make up for the others, so that every figure of a yes or no (calibration, net
benefit, a subgroup's AUC) is written once and holds for both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from kappredict.evaluation.bootstrap import Name, Statistic, bootstrap
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.metrics_binary import require_probabilities
from kappredict.evaluation.metrics_survival import (
    ObservationChances,
    SeenTimes,
    SurvivalPredictions,
    known_weights,
)

Figures = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], Mapping[Name, np.ndarray]]
"""From outcome, probability, fold (each by row) and weights (resamples × rows) to figures."""


@dataclass(frozen=True)
class Question:
    """Answers and predictions of some rows.

    `outcome` is 1 for yes and 0 for no, and means nothing where a row weighs nothing. `probability`
    and `folds` are repeats × rows, out of fold. `weigh` turns how often each row was drawn
    (resamples × rows) into what it weighs.

    Raises
    ------
    ValueError
        If a prediction is missing or is no probability, or shapes do not fit.
    """

    outcome: np.ndarray
    probability: np.ndarray
    folds: np.ndarray
    patients: np.ndarray
    weigh: Callable[[np.ndarray], np.ndarray]

    def __post_init__(self) -> None:
        require_probabilities(self.probability)
        rows = len(self.outcome)
        if not self.probability.shape == self.folds.shape == (len(self.probability), rows):
            raise ValueError(
                f"probability {self.probability.shape} and folds {self.folds.shape} must both be "
                f"repeats × {rows} rows"
            )

    @classmethod
    def of_response(
        cls,
        outcome: np.ndarray,
        probability: np.ndarray,
        folds: np.ndarray,
        patients: np.ndarray,
        weights: np.ndarray | None = None,
    ) -> "Question":
        """Ask those assessed; `weights` are their observation weights."""
        own = np.ones(len(outcome)) if weights is None else weights
        return cls(outcome, probability, folds, patients, lambda drawn: drawn * own)

    @classmethod
    def of_horizon(
        cls,
        times: SeenTimes,
        predictions: SurvivalPredictions,
        day: float,
        patients: np.ndarray,
    ) -> "Question":
        """Ask who had relapsed by a day; those lost before it weigh nothing (IPCW)."""

        def weigh(drawn: np.ndarray) -> np.ndarray:
            return known_weights(times, day, drawn, ObservationChances.fit(times, drawn))

        return cls(
            times.relapsed_by(day).astype(float),
            predictions.risk_by(day),
            predictions.folds,
            patients,
            weigh,
        )

    @property
    def weights(self) -> np.ndarray:
        """What each row weighs in the sample as it is."""
        return self.weigh(np.ones((1, len(self.outcome))))[0]

    def take(self, rows: np.ndarray) -> "Question":
        """Ask some rows only, each with the weight it has among all."""

        def weigh(drawn: np.ndarray) -> np.ndarray:
            everyone = np.zeros((len(drawn), len(self.outcome)))
            everyone[:, rows] = drawn
            return self.weigh(everyone)[:, rows]

        return Question(
            self.outcome[rows],
            self.probability[:, rows],
            self.folds[:, rows],
            self.patients[rows],
            weigh,
        )

    def statistic(self, figures: Figures[Name]) -> Statistic[Name]:
        """Make the statistic of some figures, each averaged over repeats."""

        def averaged(drawn: np.ndarray) -> dict[Name, np.ndarray]:
            weights = self.weigh(drawn)
            repeats = [
                figures(self.outcome, probability, fold, weights)
                for probability, fold in zip(self.probability, self.folds, strict=True)
            ]
            return {name: np.mean([one[name] for one in repeats], axis=0) for name in repeats[0]}

        return averaged

    def estimate(
        self, figures: Figures[Name], *, seed: int, resamples: int
    ) -> dict[Name, Estimate]:
        """Give figures with their intervals over resampled patients."""
        return bootstrap(self.statistic(figures), self.patients, seed=seed, resamples=resamples)
