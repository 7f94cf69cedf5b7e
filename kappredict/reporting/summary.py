"""The answer first: whether a model works, for whom, and how sure that is, in sentences.

Every sentence has its figure and the figure its interval; what could not be measured is said.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from kappredict.evaluation.estimate import Estimate
from kappredict.reporting.findings import Findings

Standing = Literal["yes", "unclear", "no"]

_SCHEMES = {
    "random_cv": "random cross-validation",
    "leave_site_out": "sites left out",
    "leave_study_out": "studies left out",
    "temporal": "the latest enrolled left out",
}
_PARTS = {"fold": "folds", "site": "sites", "study": "studies"}
_FACTS_NAMED = 5


@dataclass(frozen=True)
class Verdict:
    """Whether a model tells outcomes apart under the hardest split, and the sentence for it."""

    standing: Standing
    sentence: str


def scheme_words(scheme: str) -> str:
    """Say a split scheme."""
    return _SCHEMES.get(scheme, scheme.replace("_", " "))


def discrimination(found: Findings) -> str:
    """Give the name of the figure that says how well outcomes are told apart."""
    return "c_index" if found.recipe.outcome == "relapse" else "auc"


def figure_of(found: Findings, contender: str, figure: str) -> Estimate:
    """Give an overall figure of the hardest split; NaN where there is none."""
    table = found.tables["performance"]
    rows = table[
        (table["scheme"] == found.recipe.validation["headline"])
        & (table["contender"] == contender)
        & (table["held_out"] == "")
        & table["horizon"].isna()
        & (table["figure"] == figure)
    ]
    if rows.empty:
        return Estimate(math.nan, math.nan, math.nan)
    row = rows.iloc[0]
    return Estimate(row["value"], row["low"], row["high"])


def interval(one: Estimate, digits: int = 2) -> str:
    """Word an estimate with its 95 % interval."""
    if math.isnan(one.value):
        return "–"
    if math.isnan(one.low):
        return f"{one.value:.{digits}f} (–)"
    return f"{one.value:.{digits}f} ({one.low:.{digits}f} to {one.high:.{digits}f})"


def does_it_work(found: Findings) -> Verdict:
    """Say whether the model knows more than chance, and than the labels of the design."""
    name = discrimination(found)
    model, labels = (figure_of(found, one, name) for one in ("model", "labels"))
    where = f"{_NAMES[name]}, {scheme_words(found.recipe.validation['headline'])}"
    if math.isnan(model.low):
        return Verdict("unclear", f"Cannot be told: too few outcomes for an interval ({where}).")
    if model.low <= 0.5:
        return Verdict("no", f"No better than chance: {interval(model)} ({where}).")
    if model.low <= labels.value:
        return Verdict(
            "unclear",
            f"Better than chance, {interval(model)} ({where}), but not clearly better than knowing "
            f"site, study and arm alone: {interval(labels)}.",
        )
    return Verdict(
        "yes",
        f"Tells outcomes apart better than chance and than site, study and arm alone: "
        f"{interval(model)} ({where}).",
    )


_NAMES = {"auc": "AUC", "c_index": "C-index"}


def short_answers(found: Findings) -> list[tuple[str, str]]:
    """Put the questions that every reader has, and answer them."""
    return [
        ("Does it work?", does_it_work(found).sentence),
        ("Are its probabilities right?", are_probabilities_right(found)),
        ("For whom?", for_whom(found)),
        ("How sure?", how_sure(found)),
        ("What matters?", what_matters(found)),
        ("Elsewhere, too?", would_it_matter_elsewhere(found)),
    ]


def are_probabilities_right(found: Findings) -> str:
    """Say how far predicted and observed probabilities lie apart under the hardest split."""
    table = found.tables.get("calibration", pd.DataFrame())
    if table.empty:
        return "Whether the probabilities are right cannot be told: nobody was followed that long."
    question = table["question"].iloc[-1]
    rows = table[table["question"] == question]
    error, slope = (_estimate(rows[rows["figure"] == one].iloc[0]) for one in ("ici", "slope"))
    return (
        f"Predicted and observed probabilities ({question}) differ by "
        f"{100 * error.value:.0f} points on average ({100 * error.low:.0f} to "
        f"{100 * error.high:.0f}); calibration slope {interval(slope)}, 1 is right."
    )


def for_whom(found: Findings) -> str:
    """Say where the model does worst, and what a new site may expect."""
    trust = found.recipe.validation.get("trust") or {}
    worst = trust.get("worst_group")
    sentences = []
    if worst:
        sentences.append(_worst(found, worst))
    for site in trust.get("sites", ()):
        if site["figure"] == "auc":
            mean, new = (Estimate(**site[part]) for part in ("mean", "new_site"))
            sentences.append(
                f"Over {len(site['sites'])} sites the AUC is {interval(mean)} on average; a new "
                f"site's will lie between {new.low:.2f} and {new.high:.2f}."
            )
    return " ".join(sentences) or "Groups and sites are too small to be judged apart."


def _worst(found: Findings, worst: dict[str, Any]) -> str:
    table = found.tables["subgroups"]
    at = (table["division"] == worst["division"]) & (table["group"] == worst["group"])
    row = table[at & (table["figure"] == "auc")].iloc[0]
    return (
        f"Lowest AUC of the groups large enough to judge: {worst['division']} "
        f"{worst['group']}, {interval(_estimate(row))}, {row['n']} courses."
    )


def how_sure(found: Findings) -> str:
    """Say how many courses it rests on, how many were lost, and what that many support."""
    validation = found.recipe.validation
    sample = (validation.get("trust") or {}).get("sample")
    words = [f"Rests on {validation['n']:,} courses with {validation['events']:,} outcomes."]
    lost = share_lost(found)
    if lost:
        words.append(
            f"The outcome of {100 * lost:.0f} % of the courses that could have it is not known."
        )
    if sample:
        few = sample["parameters"]
        words.append(
            f"That many support {few} parameter{'s' if few != 1 else ''} (Riley's criteria)."
        )
    return " ".join(words)


def share_lost(found: Findings) -> float:
    """Give the share of the courses with an open outcome that were not assessed."""
    if found.recipe.outcome == "relapse":
        return 0.0
    remaining = found.tables["attrition"]["remaining"].to_numpy()
    return float(1 - remaining[-1] / remaining[-2]) if len(remaining) > 1 else 0.0


def what_matters(found: Findings) -> str:
    """Name the facts whose importance is more than noise, strongest first, in points."""
    table = found.tables.get("importance", pd.DataFrame())
    if table.empty:
        return "What matters was not measured."
    rows = table[table["measure"] == "shap"].sort_values("value", ascending=False)
    known = rows[rows["signal"].fillna(False).astype(bool)]
    if known.empty:
        return (
            "Nothing stands out from noise: with outcomes shuffled among the courses, the "
            "strongest fact would look as important."
        )
    named = "; ".join(
        f"{row.group} ({row.value:.1f} points, {row.low:.1f} to {row.high:.1f})"
        for row in known.head(_FACTS_NAMED).itertuples()
    )
    more = len(known) - _FACTS_NAMED
    return f"More than noise: {named}{f'; and {more} more' if more > 0 else ''}."


def would_it_matter_elsewhere(found: Findings) -> str:
    """Say how well the order of importance agrees between folds, sites and studies."""
    agreement = rank_agreement(found.tables.get("stability", pd.DataFrame()))
    if agreement.empty:
        return "Whether the same facts would matter elsewhere was not measured."
    words = [
        f"{value:.2f} between {parts} {_PARTS[across]}"
        for across, parts, value in agreement.itertuples(index=False)
    ]
    return f"Agreement on the order of importance (1 is the same, 0 chance): {', '.join(words)}."


def rank_agreement(stability: pd.DataFrame) -> pd.DataFrame:
    """Give the mean Spearman correlation between the parts' importances.

    Returns
    -------
    across (fold, site, study), parts (how many), agreement.
    """
    rows = []
    for across in _PARTS if len(stability) else ():
        of_parts = stability[stability["across"] == across]
        wide = of_parts.pivot_table("value", "group", "part")
        if wide.shape[1] < 2 or len(wide) < 3:
            continue
        correlation = wide.corr("spearman").to_numpy()
        mean = correlation[np.triu_indices(len(correlation), 1)].mean()
        rows.append((across, wide.shape[1], float(mean)))
    return pd.DataFrame(rows, columns=["across", "parts", "agreement"])


def _estimate(row: pd.Series) -> Estimate:
    return Estimate(row["value"], row["low"], row["high"])
