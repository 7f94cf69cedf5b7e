"""Who is assessed: weights that let those assessed stand for those who were not.

Each course's chance of being assessed follows from what is known of it, by a penalised logistic
regression on the features and on which of them are known (those who stay in care have more on
record). Those assessed weigh the inverse of it (Robins, Rotnitzky and Zhao 1994; Seaman and White
2013), so the weighted sample looks like all courses in everything the model sees. It cannot make
up for what nobody recorded: `kappredict.evaluation.sensitivity` says how far that could reach.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from kappredict.estimators.encoder import Encoder
from kappredict.estimators.standardised import Standardised
from kappredict.features.table import FeatureTable

# With fewer on either side there is nothing to learn who is assessed from.
LEAST_EITHER_SIDE = 30
# Weights beyond these quantiles are brought in to them (Cole and Hernán 2008).
_QUANTILES = (0.01, 0.99)
_INVERSE_PENALTY = 0.03


def observation_weights(features: FeatureTable, known: np.ndarray) -> np.ndarray:
    """Give each row's weight: of mean 1 over the rows whose outcome is known, and 0 elsewhere.

    All known rows weigh 1 where nearly everybody, or nearly nobody, was assessed.
    """
    encoder = Encoder.fit(features)
    if min(known.sum(), (~known).sum()) < LEAST_EITHER_SIDE or not encoder.columns:
        return known.astype(float)
    chance = _chances(encoder.transform(features), known)
    inverse = np.where(known, 1 / chance, 0.0)
    inverse[known] = np.clip(inverse[known], *np.quantile(inverse[known], _QUANTILES))
    return inverse / inverse[known].mean()


def _chances(matrix: np.ndarray, known: np.ndarray) -> np.ndarray:
    recorded = np.unique(~np.isnan(matrix), axis=1).astype(float)
    columns = np.column_stack([Standardised(matrix).rows, Standardised(recorded).rows])
    with threadpool_limits(1):
        model = LogisticRegression(C=_INVERSE_PENALTY, max_iter=1000).fit(columns, known)
        chance: np.ndarray = model.predict_proba(columns)[:, 1]
    return chance
