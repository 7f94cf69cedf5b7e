"""The bootstrap by patient: one figure under many weights instead of many samples.

Drawing patients with replacement is the same as giving each patient the number of times that he or
she was drawn as a weight. A statistic therefore takes a matrix of weights, resamples × rows, and
answers for all resamples at once. All rows of a patient share a weight, because they are not
independent; and two statistics under the same seed see the same resamples, which pairs them.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TypeVar

import numpy as np
import pandas as pd

from kappredict.evaluation.estimate import Estimate

Name = TypeVar("Name", bound=Hashable)
Statistic = Callable[[np.ndarray], Mapping[Name, np.ndarray]]
"""From weights (resamples × rows) to the values of named figures, one per resample."""

# Weights are made in blocks of this many numbers: memory stays bounded, and near the processor.
_BLOCK = 100_000
