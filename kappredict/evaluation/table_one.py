"""Table 1: who the patients were, all of them and by what became of them.

tableone (Pollard et al. 2018) counts and summarises; here its rows get the labels of the features.
"""

import warnings

import numpy as np
import pandas as pd
from tableone import TableOne

from kappredict.domain.features import FeatureSpec, ItemFeature, TotalFeature
from kappredict.estimators.targets import Target, YesNo
from kappredict.evaluation.modelling_set import ModellingSet

NOT_ASSESSED = "not assessed"
NOT_KNOWN = "not known"
_GROUP = "what became of them"
_YES_NO = {0.0: "no", 1.0: "yes"}


def table_one(data: ModellingSet) -> pd.DataFrame:
    """Summarise every fact over all courses, and by outcome.

    Numbers are given as mean (standard deviation) of those known, categories and flags as count
    (per cent), with `not known` as a level.

    Returns
    -------
    fact, level (empty for a number), not_known (how many), `all courses`, and a column per outcome
    with its standing (with it, without it, not assessed). All is text.
    """
    specs = [spec for spec in data.features.specs if _belongs(spec, data.features.frame[spec.name])]
    labels = _labels(specs)
    frame = pd.DataFrame({labels[s.name]: _shown(data.features.frame[s.name], s) for s in specs})
    frame[_GROUP] = outcome_words(data.target, data.task.outcome)
    named = [labels[spec.name] for spec in specs]
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # tableone 0.9.6 writes rows in a way that pandas 4 will end
        made = TableOne(
            frame,
            columns=named,
            categorical=[labels[spec.name] for spec in specs if spec.kind != "numeric"],
            groupby=_GROUP,
            pval=False,
        )
    return _flat(made.tableone)


def _belongs(spec: FeatureSpec, values: pd.Series) -> bool:
    """Tell whether a feature is a fact of its own: of an instrument, only the last total is."""
    match spec.recipe:
        case TotalFeature(aggregate=aggregate):
            return aggregate == "last" and bool(values.notna().any())
        case ItemFeature():
            return False
        case _:
            return bool(values.notna().any())


def outcome_words(target: Target, outcome: str) -> np.ndarray:
    """Say in words what became of each course."""
    words = np.where(target.strata == 1, f"with {outcome}", f"without {outcome}")
    if isinstance(target, YesNo):
        words = np.where(target.known, words, NOT_ASSESSED)
    return np.asarray(words, dtype=object)


def _labels(specs: list[FeatureSpec]) -> dict[str, str]:
    """Give each feature a label of its own, with its unit; its name is added where two agree."""
    worded = {
        spec.name: f"{spec.label} ({spec.unit})" if spec.unit else spec.label for spec in specs
    }
    every = list(worded.values())
    return {
        name: label if every.count(label) == 1 else f"{label} ({name})"
        for name, label in worded.items()
    }


def _shown(values: pd.Series, spec: FeatureSpec) -> pd.Series:
    shown = values.map(_YES_NO) if spec.kind == "flag" else values
    return shown if spec.kind == "numeric" else shown.fillna(NOT_KNOWN)


def _flat(made: pd.DataFrame) -> pd.DataFrame:
    """Turn tableone's two levels of headings and of rows into plain columns of text."""
    table = made.droplevel(0, axis=1) if made.columns.nlevels > 1 else made
    flat = table.astype("str").reset_index(names=["fact", "level"])
    flat["fact"] = flat["fact"].str.replace(", mean (SD)", "").str.replace(", n (%)", "")
    flat = flat.rename(columns={"Missing": "not_known", "Overall": "all courses"})
    return flat.astype("str").reset_index(drop=True)
