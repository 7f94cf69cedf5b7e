"""Recalibration at a new place, judged on patients it was not fitted to.

What a model is worth at a new place after a few dozen patients from there is not to be read off
those same patients: each is predicted by a recalibration fitted without him or her.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kappredict.errors import TooFewEventsError
from kappredict.estimators.calibration import Calibration, Way, recalibrate
from kappredict.estimators.folds import patient_folds
from kappredict.estimators.targets import Target
from kappredict.evaluation.calibration_curve import distances
from kappredict.evaluation.cross_validation import OutOfFold
from kappredict.evaluation.metrics_binary import (
    brier,
    calibration_intercept,
    calibration_slope,
    log_loss,
)
from kappredict.evaluation.question import Question

# At least this share of the patients is kept to judge a recalibration on.
_JUDGED = 0.5
