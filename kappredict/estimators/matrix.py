"""What a candidate is fitted to: numbers, outcomes, weights, and where each row comes from."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from kappredict.estimators.growing import Grow
from kappredict.estimators.space import Space


class CandidateSettings(BaseModel):
    """The settings of a candidate: closed to unknown keys, and unchanging.

    A candidate that `pools` is given the rows of all conditions, the others those of its own. It
    competes where the sample supports `needs` parameters (`kappredict.estimators.sample_size`): a
    penalised line always may, bends and trees want more to go by (van der Ploeg et al. 2014).
    `space` is what `kappredict tune` searches of it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pools: ClassVar[bool] = False
    needs: ClassVar[int] = 0
    space: ClassVar[Space] = {}

    @property
    def complexity(self) -> float:
        """How freely it fits: orders candidates of one kind, and means nothing across kinds."""
        return 0.0

    def grown_by(self, grow: Grow) -> Self:
        """Give the same candidate with its trees, if it has any, grown elsewhere."""
        del grow
        return self


@dataclass(frozen=True)
class TrainingMatrix:
    """Rows to fit, all of them with a known outcome.

    `columns` are rows × columns, NaN where missing; `outcome` is 0 or 1, or two columns of days
    (lower, and upper, infinite if censored). `directions` has a number per column: the margin may
    only rise with it (1), only fall (−1), or do either (0). `condition` numbers the condition that
    a row was treated for; 0 is the task's own.
    """

    columns: np.ndarray
    outcome: np.ndarray
    weights: np.ndarray
    directions: np.ndarray
    condition: np.ndarray

    @property
    def own(self) -> "TrainingMatrix":
        """The rows of the task's own condition."""
        own = self.condition == 0
        return TrainingMatrix(
            self.columns[own],
            self.outcome[own],
            self.weights[own],
            self.directions,
            self.condition[own],
        )
