"""The models that compete for a task, each declared with its settings, and how each is fitted.

Each candidate fits on a `TrainingMatrix` and gives a margin. Every fit uses one thread:
sums in another order give other trees, and a seed must give the same model on any machine.
"""

import warnings
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Annotated, ClassVar, Literal, Self, get_args

import numpy as np
import pandas as pd
from pydantic import Field, PrivateAttr, ValidationError
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from kappredict.estimators.boosted_curves import ExplainableBoosting
from kappredict.estimators.growing import Grow, GrowHere
from kappredict.estimators.margins import Margin, TreeMargin
from kappredict.estimators.matrix import CandidateSettings, TrainingMatrix
from kappredict.estimators.pooling import PooledHazard, PooledLogistic
from kappredict.estimators.space import Range, Space
from kappredict.estimators.splines import LogisticSplines
from kappredict.estimators.standardised import Standardised


class Logistic(CandidateSettings):
    """Logistic regression with an L2 penalty on standardised columns (`inverse_penalty` is C)."""

    space: ClassVar[Space] = {"inverse_penalty": Range(low=0.0003, high=1, log=True)}

    model: Literal["logistic"]
    inverse_penalty: float = Field(default=0.02, gt=0)

    @property
    def complexity(self) -> float:
        """A weaker penalty lets coefficients grow."""
        return self.inverse_penalty

    def fit(self, rows: TrainingMatrix, seed: int) -> Margin:
        """Fit on rows whose outcome is 0 or 1."""
        scaled = Standardised(rows.columns)
        with threadpool_limits(1):
            model = LogisticRegression(C=self.inverse_penalty, max_iter=2000, random_state=seed)
            model.fit(scaled.rows, rows.outcome, rows.weights)
        return scaled.margin(model.intercept_[0], model.coef_[0])


class _Boosted(CandidateSettings):
    """What candidates of boosted trees share; where trees are grown is no setting of theirs."""

    needs: ClassVar[int] = 10
    space: ClassVar[Space] = {
        "rounds": Range(low=30, high=400, log=True),
        "depth": Range(low=1, high=4),
        "learning_rate": Range(low=0.01, high=0.2, log=True),
        "least_child_weight": Range(low=1, high=30, log=True),
        "row_share": Range(low=0.5, high=1),
        "column_share": Range(low=0.2, high=1),
        "penalty": Range(low=0.5, high=50, log=True),
    }

    _grow: Grow = PrivateAttr(default=GrowHere())

    def grown_by(self, grow: Grow) -> Self:
        """Give the same candidate with its trees grown elsewhere."""
        elsewhere = self.model_copy()
        elsewhere._grow = grow
        return elsewhere


class BoostedTrees(_Boosted):
    """XGBoost on the log loss."""

    model: Literal["boosted_trees"]
    rounds: int = Field(default=120, gt=0)
    depth: int = Field(default=2, gt=0)
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    least_child_weight: float = Field(default=5.0, ge=0)
    row_share: float = Field(default=0.8, gt=0, le=1)
    column_share: float = Field(default=0.5, gt=0, le=1)
    penalty: float = Field(default=5.0, ge=0)

    @property
    def complexity(self) -> float:
        """Deeper trees, and more learnt from them."""
        return _learnt(self)

    def fit(self, rows: TrainingMatrix, seed: int) -> Margin:
        """Fit on rows whose outcome is 0 or 1."""
        settings = _tree_settings(self, rows, seed) | {
            "objective": "binary:logistic",
            "base_score": float(np.clip(rows.outcome.mean(), 0.01, 0.99)),
        }
        facts = {"label": rows.outcome, "weight": rows.weights}
        return TreeMargin(self._grow(settings, rows.columns, facts, self.rounds))


class WeibullAFT(CandidateSettings):
    """Weibull accelerated failure time regression on interval-censored times (lifelines).

    Only the `most_columns` columns with the largest score statistic enter: a few hundred relapses
    bear no more, and lifelines' cost grows with the square of their number. Where the optimiser
    finds no maximum, all courses get the same margin: such a fit knows nothing.
    """

    space: ClassVar[Space] = {
        "penalty": Range(low=0.01, high=3, log=True),
        "most_columns": Range(low=5, high=30),
    }

    model: Literal["weibull_aft"]
    penalty: float = Field(default=0.1, ge=0)
    most_columns: int = Field(default=20, gt=0)

    @property
    def complexity(self) -> float:
        """More columns, held less."""
        return self.most_columns / (1 + self.penalty)

    def fit(self, rows: TrainingMatrix, seed: int) -> Margin:
        """Fit on two columns of days: lower, and upper, infinite if censored."""
        from lifelines import WeibullAFTFitter  # slow to import
        from lifelines.exceptions import ConvergenceError

        del seed  # a convex problem has one solution
        scaled, times = Standardised(rows.columns), rows.outcome
        chosen = np.sort(_strongest(scaled.rows, times)[: self.most_columns])
        names = [str(place) for place in chosen]
        frame = pd.DataFrame(scaled.rows[:, chosen], columns=names)
        frame = frame.assign(lower=times[:, 0], upper=times[:, 1], weight=rows.weights)
        coefficients = np.zeros(scaled.rows.shape[1])
        # Without a start of ours lifelines finds one by a search that costs as much as the fit.
        start = np.append(np.zeros(len(names)), [np.log(np.median(_seen(times))), 0.0])
        fitter = WeibullAFTFitter(penalizer=self.penalty, l1_ratio=0.0)
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # lifelines narrates its optimiser's steps as warnings
            try:
                fitter.fit_interval_censoring(
                    frame, "lower", "upper", weights_col="weight", initial_point=start
                )
            except ConvergenceError:
                return scaled.margin(0.0, coefficients)
        location = fitter.params_["lambda_"]
        coefficients[chosen] = location.reindex(names).to_numpy()
        return scaled.margin(location["Intercept"], coefficients)


class BoostedAFT(_Boosted):
    """XGBoost `survival:aft` on interval-censored times, with Weibull noise."""

    space: ClassVar[Space] = {**_Boosted.space, "noise_scale": Range(low=0.5, high=3, log=True)}

    model: Literal["boosted_aft"]
    rounds: int = Field(default=120, gt=0)
    depth: int = Field(default=2, gt=0)
    learning_rate: float = Field(default=0.05, gt=0, le=1)
    least_child_weight: float = Field(default=5.0, ge=0)
    row_share: float = Field(default=0.8, gt=0, le=1)
    column_share: float = Field(default=0.5, gt=0, le=1)
    penalty: float = Field(default=5.0, ge=0)
    noise_scale: float = Field(default=1.5, gt=0)

    @property
    def complexity(self) -> float:
        """Deeper trees, and more learnt from them."""
        return _learnt(self)

    def fit(self, rows: TrainingMatrix, seed: int) -> Margin:
        """Fit on two columns of days: lower, and upper, infinite if censored."""
        settings = _tree_settings(self, rows, seed) | {
            "objective": "survival:aft",
            "aft_loss_distribution": "extreme",
            "aft_loss_distribution_scale": self.noise_scale,
            "base_score": float(np.median(_seen(rows.outcome))),
        }
        facts = {
            "label_lower_bound": rows.outcome[:, 0],
            "label_upper_bound": rows.outcome[:, 1],
            "weight": rows.weights,
        }
        return TreeMargin(self._grow(settings, rows.columns, facts, self.rounds))


ResponseCandidate = Annotated[
    Logistic | PooledLogistic | LogisticSplines | ExplainableBoosting | BoostedTrees,
    Field(discriminator="model"),
]
RelapseKinds = PooledHazard | WeibullAFT | BoostedAFT
RelapseCandidate = Annotated[RelapseKinds, Field(discriminator="model")]
Candidate = ResponseCandidate | RelapseCandidate
KINDS: Mapping[str, type[Candidate]] = {
    get_args(kind.model_fields["model"].annotation)[0]: kind
    for union in (ResponseCandidate, RelapseCandidate)
    for kind in get_args(get_args(union)[0])
}
"""Every kind of candidate by its name in settings."""


def wrong_spaces(spaces: Mapping[str, Space]) -> list[str]:
    """Say what is wrong with search spaces (kind → setting → what it may be)."""
    found = []
    for name, space in spaces.items():
        if name not in KINDS:
            found.append(f"{name}: is no candidate{_nearest(name, KINDS)}")
            continue
        settings = set(KINDS[name].model_fields) - {"model"}
        for setting, one in space.items():
            place = f"{name}.{setting}"
            if setting not in settings:
                found.append(f"{place}: is not a setting of it{_nearest(setting, settings)}")
                continue
            found += [
                f"{place}: {why}" for why in map(partial(_refusal, name, setting), one.ends) if why
            ]
    return found


def _refusal(kind: str, setting: str, value: float) -> str:
    """Say why a candidate cannot have a setting at a value; nothing where it can."""
    try:
        KINDS[kind].model_validate({"model": kind, setting: value})
    except ValidationError as error:
        return f"cannot be {value:g} ({error.errors()[0]['msg']})"
    return ""


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def _strongest(columns: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Order columns by the score statistic of an exponential model of time without relapse."""
    relapsed = np.isfinite(times[:, 1])
    seen = _seen(times)
    surprise = relapsed - seen * relapsed.sum() / seen.sum()
    return np.argsort(-np.abs(surprise @ columns), kind="stable")


def _seen(times: np.ndarray) -> np.ndarray:
    """Give one day per row: when relapse was seen, or last not."""
    return np.maximum(np.where(np.isfinite(times[:, 1]), times[:, 1], times[:, 0]), 1.0)


def _learnt(candidate: BoostedTrees | BoostedAFT) -> float:
    leaves = 2**candidate.depth - 1
    return candidate.rounds * candidate.learning_rate * leaves


def _tree_settings(
    candidate: BoostedTrees | BoostedAFT, rows: TrainingMatrix, seed: int
) -> dict[str, object]:
    return {
        "tree_method": "hist",
        "max_depth": candidate.depth,
        "eta": candidate.learning_rate,
        "min_child_weight": candidate.least_child_weight,
        "subsample": candidate.row_share,
        "colsample_bytree": candidate.column_share,
        "lambda": candidate.penalty,
        "monotone_constraints": tuple(int(way) for way in rows.directions),
        "seed": seed,
        "nthread": 1,
        "verbosity": 0,
    }
