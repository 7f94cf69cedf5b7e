"""How much a figure differs between sites, and what to expect at the next one.

Each site's figure has its own sampling error; what is left over is real difference. A model with
random effects (Paule and Mandel's variance between sites, Hartung-Knapp intervals) summarises them,
and its prediction interval says where a new site's figure will lie (Riley, Higgins and Deeks 2011;
for prediction models Debray et al. 2017, who take the AUC on the logit scale).
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import t as students_t
from statsmodels.stats.meta_analysis import combine_effects

from kappredict.evaluation.bootstrap import drawn_weights
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.metrics_binary import auc, calibration_intercept
from kappredict.evaluation.question import Question

# A site with fewer of either outcome says too little about itself.
LEAST_EITHER_SIDE = 5
_LEAST_SITES = 3
# Perfect separation of a few courses has no sampling variance to speak of; it is not certain.
_LEAST = 1e-4


@dataclass(frozen=True)
class AcrossSites:
    """A figure over sites: its mean, the range for a new site, and the sites' own figures.

    `between` is the standard deviation between sites (on the logit for the AUC), `inconsistency`
    the share of the variation that is not sampling error (I²). `sites` has site, n, events, value,
    low and high; `left_out` counts the sites that were too small.
    """

    figure: str
    mean: Estimate
    new_site: Estimate
    between: float
    inconsistency: float
    sites: pd.DataFrame
    left_out: int


def across_sites(
    question: Question, sites: np.ndarray, *, seed: int, resamples: int
) -> list[AcrossSites]:
    """Summarise AUC and calibration in the large over sites; empty with fewer than three of them.

    Parameters
    ----------
    sites
        The site of each row.
    """
    weighed = question.weights > 0
    counts = pd.DataFrame({"yes": question.outcome * weighed, "n": weighed.astype(float)})
    by_site = counts.groupby(sites).sum()
    enough = np.minimum(by_site["yes"], by_site["n"] - by_site["yes"]) >= LEAST_EITHER_SIDE
    if enough.sum() < _LEAST_SITES:
        return []
    kept = by_site[enough]
    asked = {name: question.take(np.flatnonzero(sites == name)) for name in kept.index}
    found = []
    for figure in ("auc", "calibration_intercept"):
        values = {name: _resampled(one, figure, seed, resamples) for name, one in asked.items()}
        found.append(_summary(figure, values, kept, int((~enough).sum())))
    return [one for one in found if one is not None]


def _variance(values: np.ndarray) -> float:
    """Give the variance of resamples, which is not 0; NaN where hardly any has the figure."""
    defined = values[1:][np.isfinite(values[1:])]
    return max(float(defined.var(ddof=1)), _LEAST) if len(defined) > 0.9 * len(values) else np.nan


def _resampled(question: Question, figure: str, seed: int, resamples: int) -> np.ndarray:
    """Give a site's figure on the scale of the summary: as it is, then resampled."""

    def figures(
        outcome: np.ndarray, probability: np.ndarray, fold: np.ndarray, weights: np.ndarray
    ) -> dict[str, np.ndarray]:
        if figure == "auc":
            return {figure: logit(np.clip(auc(outcome, probability, fold, weights), 0.005, 0.995))}
        return {figure: calibration_intercept(outcome, probability, weights)}

    statistic = question.statistic(figures)
    once = statistic(np.ones((1, len(question.outcome))))[figure]
    drawn = [statistic(one)[figure] for one in drawn_weights(question.patients, seed, resamples)]
    return np.concatenate([once, *drawn])


def _summary(
    figure: str, values: dict[str, np.ndarray], counts: pd.DataFrame, left_out: int
) -> AcrossSites | None:
    """Summarise a figure over the sites in which it exists; nothing with too few of them."""
    effect = np.array([one[0] for one in values.values()])
    variance = np.array([_variance(one) for one in values.values()])
    told = np.isfinite(effect) & np.isfinite(variance)
    if told.sum() < _LEAST_SITES:
        return None
    effect, variance, counts = effect[told], variance[told], counts[told]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels divides by a variance of zero on its way
        fitted = combine_effects(effect, variance, method_re="pm", use_t=True)
    tau2 = max(float(fitted.tau2), 0.0)
    middle = float(fitted.mean_effect_re)
    error = float(fitted.sd_eff_w_re_hksj)
    degrees = len(effect) - 1
    half = students_t.ppf(0.975, degrees) * error
    wide = students_t.ppf(0.975, max(degrees - 1, 1)) * np.sqrt(tau2 + error**2)
    back = expit if figure == "auc" else np.asarray
    own = 1.96 * np.sqrt(variance)
    sites = pd.DataFrame(
        {
            "site": counts.index.astype(str),
            "n": counts["n"].to_numpy(dtype=int),
            "events": counts["yes"].to_numpy(dtype=int),
            "value": back(effect),
            "low": back(effect - own),
            "high": back(effect + own),
        }
    )
    spread = float(((effect - np.average(effect, weights=1 / variance)) ** 2 / variance).sum())
    return AcrossSites(
        figure,
        Estimate(*(float(back(np.array(one))) for one in (middle, middle - half, middle + half))),
        Estimate(*(float(back(np.array(one))) for one in (middle, middle - wide, middle + wide))),
        float(np.sqrt(tau2)),
        max(0.0, 1 - degrees / spread) if spread > 0 else 0.0,
        sites,
        left_out,
    )
