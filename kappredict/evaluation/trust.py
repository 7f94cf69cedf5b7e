"""What else decides whether a model can be trusted, for its hardest split: beyond ranking."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd

from kappredict.estimators.limits import HALF
from kappredict.estimators.sample_size import SampleSize, supported
from kappredict.estimators.structural import StructuralGap, structural_gaps
from kappredict.evaluation.abstaining import by_width, trade_off
from kappredict.evaluation.across_sites import AcrossSites, across_sites
from kappredict.evaluation.calibration_curve import calibration_figures
from kappredict.evaluation.cross_validation import BASE_RATE, MODEL, OutOfFold
from kappredict.evaluation.decisions import net_benefit, threshold_table
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.questions import judged_rows, questions
from kappredict.evaluation.sensitivity import sensitivity
from kappredict.evaluation.settings import TrainingSettings
from kappredict.evaluation.subgroups import Subgroups, by_subgroup, divisions


@dataclass(frozen=True)
class Trust:
    """Calibration, decisions, subgroups, sites, abstaining and the lost, for one scheme.

    `question` names what all but `calibration` is about: the outcome or, for relapse, the last
    horizon that enough courses were followed to. `sample` says how many parameters the data
    support, `structural` which features tell the studies apart by being empty in one of them.
    """

    question: str
    calibration: Mapping[str, Mapping[str, Estimate]]
    thresholds: pd.DataFrame
    net_benefit: pd.DataFrame
    subgroups: Subgroups
    sites: tuple[AcrossSites, ...]
    abstaining: pd.DataFrame
    by_width: pd.DataFrame
    sensitivity: pd.DataFrame
    sample: SampleSize
    structural: tuple[StructuralGap, ...]

    def to_json(self) -> dict[str, Any]:
        """Give everything as plain data."""
        worst = self.subgroups.worst("auc")
        told = dict(zip(("division", "group", "auc"), worst, strict=True)) if worst else None
        found = {one.name: _plain(getattr(self, one.name)) for one in fields(self)}
        return found | {"worst_group": told}


def trust(
    data: ModellingSet, contenders: Mapping[str, OutOfFold], settings: TrainingSettings
) -> Trust | None:
    """Judge the out-of-fold predictions of one scheme; nothing where no horizon was reached."""
    predicted = contenders[MODEL]
    rows = judged_rows(data, predicted)
    asked = questions(data, predicted, rows)
    if not asked:
        return None
    name = list(asked)[-1]
    question = asked[name]
    base = questions(data, contenders[BASE_RATE], rows)[name]
    kept = {"seed": settings.seed, "resamples": settings.resamples}
    width = _width(predicted, rows, question.probability)
    sites = data.courses["site"].astype("str").to_numpy(dtype=object)[rows]
    return Trust(
        question=name,
        calibration={which: calibration_figures(one, **kept) for which, one in asked.items()},
        thresholds=threshold_table(question, _thresholds(question.probability), **kept),
        net_benefit=net_benefit(question, {"base rate": base}, **kept),
        subgroups=by_subgroup(question, divisions(data, rows), **kept),
        sites=tuple(across_sites(question, sites, **kept)),
        abstaining=trade_off(question, width, **kept),
        by_width=by_width(question, width, **kept),
        sensitivity=sensitivity(data, predicted, **kept),
        sample=supported(data.target.n, data.target.events),
        structural=structural_gaps(data.features, data.rows.studies),
    )


def _width(predicted: OutOfFold, rows: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Give the width of each row's interval: that of the margin where the probability stands.

    The slope of a probability on its log-odds is p (1 − p); for times, on the location, it is of
    the same shape, and only the order of widths is used.
    """
    spread = np.nanmean(predicted.spread[:, rows], axis=0)
    middle = probability.mean(axis=0)
    return np.asarray(2 * HALF * spread * middle * (1 - middle))


def _thresholds(probability: np.ndarray) -> tuple[float, ...]:
    """Give round probabilities between the 5th and the 95th percentile of the predictions."""
    low, high = np.quantile(probability, [0.05, 0.95])
    every = np.round(np.arange(0.05, 0.96, 0.05), 2)
    inside = every[(every >= low) & (every <= high)]
    return tuple(inside.tolist()) or (float(np.round(np.median(probability), 2)),)


def _plain(value: Any) -> Any:
    """Turn tables, estimates and dataclasses into what JSON can hold; what is not there is null."""
    if isinstance(value, pd.DataFrame):
        return [_plain(row) for row in value.to_dict("records")]
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value
