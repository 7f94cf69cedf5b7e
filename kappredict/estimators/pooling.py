"""Partial pooling: a condition's model leans on what holds in all conditions."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from kappredict.estimators.margins import Margin
from kappredict.estimators.matrix import CandidateSettings, TrainingMatrix
from kappredict.estimators.standardised import Standardised

# An intercept of its own for each condition costs next to no penalty.
_INTERCEPT_SCALE = 10.0


class PooledLogistic(CandidateSettings):
    """Logistic regression on all conditions: a common coefficient, and the condition's own part.

    Each column enters twice: for all rows, and, times `own_scale`, for the rows of the task's own
    condition only. Under one L2 penalty this is a normal prior on common effects and another, with
    `own_scale` times its standard deviation, on how the condition departs from them (Evgeniou and
    Pontil 2004; Daumé 2007): 0 is one model for all. Columns are centred within each condition.
    """

    pools: ClassVar[bool] = True

    model: Literal["pooled_logistic"]
    inverse_penalty: float = Field(default=0.01, gt=0)
    own_scale: float = Field(default=0.5, ge=0)

    def fit(self, rows: TrainingMatrix, seed: int) -> Margin:
        """Fit on rows whose outcome is 0 or 1; the margin is that of the task's own condition."""
        own = Standardised(rows.own.columns)
        columns = np.empty_like(rows.columns)
        conditions = np.unique(rows.condition)
        for condition in conditions:
            place = rows.condition == condition
            columns[place] = own.like(rows.columns[place])
        intercepts = _INTERCEPT_SCALE * (rows.condition[:, None] == conditions)
        mine = (rows.condition == 0)[:, None]
        table = np.column_stack([columns, self.own_scale * columns * mine, intercepts])
        with threadpool_limits(1):
            model = LogisticRegression(C=self.inverse_penalty, max_iter=2000, random_state=seed)
            model.fit(table, rows.outcome, rows.weights)
        common, apart, level = np.split(model.coef_[0], [columns.shape[1], 2 * columns.shape[1]])
        intercept = model.intercept_[0] + _INTERCEPT_SCALE * level[0]
        return own.margin(intercept, common + self.own_scale * apart)
