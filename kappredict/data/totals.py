"""Totals made from items, where a questionnaire was recorded item by item and its total was not."""

import pandas as pd

from kappredict.data.study import Study
from kappredict.domain.instruments import Instrument

_ADMINISTRATION = ["patient_id", "day"]


def with_totals(study: Study, instruments: dict[str, Instrument]) -> Study:
    """Add a total for every administration that has items and no total of its own.

    The total is known when the last of its items is. Where too many items are missing to score
    (the instrument says how many), no total is added.
    """
    rows = study.assessments
    items = rows[rows["item"].fillna("") != ""]
    added = [
        _totals(instruments[str(name)], administrations)
        for name, administrations in items.groupby("instrument")
        if str(name) in instruments
    ]
    if not added:
        return study
    has_total = rows[rows["item"].fillna("") == ""].set_index([*_ADMINISTRATION, "instrument"])
    new = pd.concat(added, ignore_index=True)
    wanted = ~pd.MultiIndex.from_frame(new[[*_ADMINISTRATION, "instrument"]]).isin(has_total.index)
    together = pd.concat([rows, new[wanted]], ignore_index=True)
    return Study.of(study.definition, {**study.tables, "assessments": together})


def _totals(instrument: Instrument, items: pd.DataFrame) -> pd.DataFrame:
    wide = items.pivot_table(index=_ADMINISTRATION, columns="item", values="value", aggfunc="last")
    scored = instrument.score(wide).rename("value").dropna()
    recorded = items.groupby(_ADMINISTRATION)["recorded_day"].max()
    return scored.to_frame().join(recorded).reset_index().assign(instrument=instrument.id)
