"""The catalogue as rows: views in which the SQL of an import looks codes up."""

from collections.abc import Iterator

import pandas as pd

from kappredict.config.catalogue import Catalogue
from kappredict.data.fhir.elements import score_codes
from kappredict.domain.terminology import ICD10, SNOMED

PREFIX = "catalogue_"


def catalogue_views(catalogue: Catalogue) -> dict[str, pd.DataFrame]:
    """Give each view's rows by its name.

    `catalogue_scores` (system, code, instrument, item): what a score's code is of; item is empty
    for the total. Our own system has every instrument, as `id` or `id.item`.
    `catalogue_conditions` (system, code, condition): a SNOMED code means its descendants, too; an
    ICD-10 code every code that starts with it.
    `catalogue_terms` (kind, system, code, label, means): `configs/terminology.yaml`.
    """
    columns = {
        "scores": ("system", "code", "instrument", "item"),
        "conditions": ("system", "code", "condition"),
        "terms": ("kind", "system", "code", "label", "means"),
    }
    rows = {"scores": _scores, "conditions": _conditions, "terms": _terms}
    return {
        PREFIX + name: pd.DataFrame(list(rows[name](catalogue)), columns=list(names), dtype="str")
        for name, names in columns.items()
    }


def _scores(catalogue: Catalogue) -> Iterator[tuple[str, ...]]:
    for coding, score in score_codes(catalogue.instruments.values()):
        yield (*coding, score.instrument, score.item)


def _conditions(catalogue: Catalogue) -> Iterator[tuple[str, ...]]:
    for one in catalogue.conditions.values():
        yield SNOMED, one.codes.snomed, one.id
        for code in one.codes.icd10:
            yield from ((system, code, one.id) for system in ICD10)


def _terms(catalogue: Catalogue) -> Iterator[tuple[str, ...]]:
    for kind, terms in catalogue.terminology.items():
        yield from ((kind, one.system, one.code, one.label, one.means) for one in terms)
