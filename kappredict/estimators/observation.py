"""Who is assessed: weights that let those assessed stand for those who were not.

Each course's chance of being assessed follows from what is known of it, by a penalised logistic
regression on the features and on which of them are known (those who stay in care have more on
record). Those assessed weigh the inverse of it (Robins, Rotnitzky and Zhao 1994; Seaman and White
2013), so the weighted sample looks like all courses in everything the model sees. It cannot make
up for what nobody recorded: `kappredict.evaluation.sensitivity` says how far that could reach.
"""

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from kappredict.estimators.blocks import by_block, spread_out
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

    All known rows weigh 1 where nearly everybody, or nearly nobody, was assessed. Of very many
    rows, some are enough to learn who is assessed (`spread_out`).
    """
    encoder = Encoder.fit(features)
    seen = known[spread_out(len(known))]
    if min(seen.sum(), (~seen).sum()) < LEAST_EITHER_SIDE or not encoder.columns:
        return known.astype(float)
    chance = _chances(encoder.transform(features), known)
    inverse = np.where(known, 1 / chance, 0.0)
    inverse[known] = np.clip(inverse[known], *np.quantile(inverse[known], _QUANTILES))
    return inverse / inverse[known].mean()


def _chances(matrix: np.ndarray, known: np.ndarray) -> np.ndarray:
    seen = spread_out(len(matrix))
    recorded, places = np.unique(~np.isnan(matrix[seen]), axis=1, return_index=True)
    values, gaps = Standardised(matrix[seen]), Standardised(recorded.astype(float))
    with threadpool_limits(1):
        model = LogisticRegression(C=_INVERSE_PENALTY, max_iter=1000)
        model.fit(np.column_stack([values.rows, gaps.rows]), known[seen])
    of_values, of_gaps = np.split(model.coef_[0], [matrix.shape[1]])
    by_values = values.margin(model.intercept_[0], of_values)
    by_gaps = gaps.margin(0.0, of_gaps)

    def margins(rows: np.ndarray) -> np.ndarray:
        recorded = (~np.isnan(rows[:, places])).astype(float)
        return by_values.values(rows) + by_gaps.values(recorded)

    return np.asarray(expit(by_block(margins, matrix)))
