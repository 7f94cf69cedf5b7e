"""The explainable boosting machine: one boosted step curve per column, and no interactions."""

import warnings
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from threadpoolctl import threadpool_limits

from kappredict.estimators.additive import AdditiveMargin, Steps
from kappredict.estimators.margins import Margin
from kappredict.estimators.matrix import CandidateSettings, TrainingMatrix
from kappredict.estimators.space import Range, Space

# Rounds without improvement after which a machine stops.
_PATIENCE = 25


class ExplainableBoosting(CandidateSettings):
    """interpret's explainable boosting machine without interactions (Lou et al. 2012).

    `bags` machines are averaged, each stopped early by a seventh of the rows, which it does not
    learn from. There are fewer smoothing rounds than interpret's own 75: they go over every column,
    whether it helps or not, before the early stop counts. A missing value has a height of its own;
    directions hold exactly.
    """

    needs: ClassVar[int] = 10
    space: ClassVar[Space] = {
        "most_bins": Range(low=8, high=64, log=True),
        "smoothing_rounds": Range(low=0, high=100),
        "learning_rate": Range(low=0.005, high=0.05, log=True),
        "least_per_leaf": Range(low=5, high=50, log=True),
    }

    model: Literal["explainable_boosting"]
    bags: int = Field(default=8, gt=0)
    most_bins: int = Field(default=32, ge=3)
    most_rounds: int = Field(default=1000, gt=0)
    smoothing_rounds: int = Field(default=25, ge=0)
    learning_rate: float = Field(default=0.02, gt=0, le=1)
    least_per_leaf: int = Field(default=10, gt=0)

    @property
    def complexity(self) -> float:
        """More steps to a curve, on fewer courses each."""
        return self.most_bins / self.least_per_leaf

    def fit(self, rows: TrainingMatrix, seed: int) -> Margin:
        """Fit on rows whose outcome is 0 or 1."""
        from interpret.glassbox import (  # slow to import
            ExplainableBoostingClassifier,
        )

        model = ExplainableBoostingClassifier(
            # Left to itself it would take a column of few values for a category.
            feature_types=["continuous"] * rows.columns.shape[1],
            interactions=0,
            monotone_constraints=rows.directions.astype(int).tolist(),
            outer_bags=self.bags,
            max_bins=self.most_bins,
            max_rounds=self.most_rounds,
            smoothing_rounds=self.smoothing_rounds,
            early_stopping_rounds=_PATIENCE,
            learning_rate=self.learning_rate,
            min_samples_leaf=self.least_per_leaf,
            n_jobs=1,
            random_state=seed,
        )
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that its plots do not show missing values
            model.fit(rows.columns, rows.outcome.astype(int), sample_weight=rows.weights)
        return as_additive(model, rows.columns)


def as_additive(model: Any, columns: np.ndarray) -> AdditiveMargin:
    """Give an explainable boosting machine without interactions as curves, to the last digit.

    Parameters
    ----------
    model
        A fitted `interpret.glassbox.ExplainableBoostingClassifier` of a yes or no.
    columns
        The training rows, over which each curve gets mean zero.
    """
    # interpret puts what is missing first, and last what is of no known category.
    curves = [
        Steps(model.bins_[place][0], heights[1:-1], float(heights[0]))
        for place, heights in enumerate(model.term_scores_)
    ]
    return AdditiveMargin.centred(float(model.intercept_[0]), curves, columns)
