"""What can be said where too few events allow no model: rates by arm, and paired differences."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import binomtest, ttest_1samp

from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.modelling_set import ModellingSet


@dataclass(frozen=True)
class Rate:
    """How many of how many had the outcome, with a 95 % Wilson interval."""

    label: str
    events: int
    n: int
    rate: Estimate


@dataclass(frozen=True)
class PairedDifference:
    """Mean within-patient difference in score change between two arms, with a 95 % t interval."""

    first: str
    second: str
    patients: int
    points: Estimate


def rates(data: ModellingSet) -> list[Rate]:
    """Count the outcome over all courses and, where there are several, in each arm."""
    known = np.flatnonzero(data.target.known)
    outcome = pd.Series(data.target.strata[known])
    everyone = [_rate("all courses", outcome)] if len(outcome) else []
    arms = data.courses["arm"].iloc[known].reset_index(drop=True).dropna()
    by_arm = [_rate(str(arm), outcome[arms.index[arms == arm]]) for arm in sorted(arms.unique())]
    return everyone + (by_arm if len(by_arm) > 1 else [])


def paired_differences(data: ModellingSet) -> list[PairedDifference]:
    """Compare the change in score between arms within patients who had both (a crossover)."""
    change = data.courses["judged_score"] - data.courses["judged_baseline"]
    by_patient = (
        data.courses.assign(change=change)
        .dropna(subset=["arm", "change"])
        .pivot_table(index="patient_id", columns="arm", values="change")
    )
    found = []
    for first, second in combinations(by_patient.columns, 2):
        difference = (by_patient[first] - by_patient[second]).dropna()
        if len(difference) > 2:
            interval = ttest_1samp(difference, 0.0).confidence_interval(0.95)
            points = Estimate(float(difference.mean()), float(interval.low), float(interval.high))
            found.append(PairedDifference(str(first), str(second), len(difference), points))
    return found


def _rate(label: str, outcome: pd.Series) -> Rate:
    events, n = int(outcome.sum()), len(outcome)
    interval = binomtest(events, n).proportion_ci(0.95, method="wilson")
    return Rate(label, events, n, Estimate(events / n, float(interval.low), float(interval.high)))
