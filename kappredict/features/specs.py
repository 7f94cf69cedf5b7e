"""Which features a study can have: the catalogue's definitions, for what occurs in its tables."""

from collections.abc import Iterator

from kappredict.config.catalogue import Catalogue
from kappredict.data.study import Study
from kappredict.domain.features import (
    Aggregate,
    ColumnFeature,
    DeliveredFeature,
    Direction,
    FeatureSpec,
    HistoryFeature,
    ItemFeature,
    Monotone,
    TotalFeature,
)
from kappredict.domain.instruments import Instrument

_KINDS = {"flag": "flag", "count": "numeric", "value": "numeric"}


def feature_specs(
    catalogue: Catalogue, study: Study, condition: str | None = None
) -> tuple[FeatureSpec, ...]:
    """List the features of a study, in schema order.

    Only the presence of instruments, codes and columns is looked at, never a value or an outcome.

    Parameters
    ----------
    condition
        The id of the condition whose directions the features get; without it they get only the
        directions that hold in all conditions.
    """
    return (
        *_column_specs(catalogue, study, condition),
        *_session_specs(catalogue),
        *_assessment_specs(catalogue, study, condition),
        *_history_specs(catalogue, study, condition),
    )


def _column_specs(
    catalogue: Catalogue, study: Study, condition: str | None
) -> Iterator[FeatureSpec]:
    for table, columns in study.definition.columns.items():
        for extra in columns:
            recipe = ColumnFeature(
                table=table,
                column=extra.name,
                label=extra.label,
                group=extra.group,
                kind=extra.kind,
                unit=extra.unit,
            )
            yield _spec(extra.name, extra.kind, recipe)
    for shipped in catalogue.features.columns:
        if study.tables[shipped.table][shipped.column].notna().any():
            direction = _direction(shipped.monotone, condition)
            yield _spec(shipped.column, shipped.kind, shipped, direction)


def _spec(
    name: str,
    kind: str,
    recipe: ColumnFeature | HistoryFeature | DeliveredFeature,
    direction: Direction | None = None,
) -> FeatureSpec:
    return FeatureSpec.model_validate(
        {
            "name": name,
            "label": recipe.label,
            "kind": kind,
            "group": recipe.group,
            "unit": recipe.unit,
            "monotone": direction,
            "recipe": recipe,
        }
    )


def _direction(monotone: Monotone | None, condition: str | None) -> Direction | None:
    return monotone.direction if monotone is not None and monotone.holds_in(condition) else None


def _direction_of_total(
    instrument: Instrument, aggregate: Aggregate, condition: str | None
) -> Direction | None:
    found = (one for one in instrument.monotone if one.aggregate == aggregate)
    return _direction(next(found, None), condition)


def _session_specs(catalogue: Catalogue) -> Iterator[FeatureSpec]:
    for delivered in catalogue.features.sessions:
        yield _spec(delivered.id, "numeric", delivered)


def _assessment_specs(
    catalogue: Catalogue, study: Study, condition: str | None
) -> Iterator[FeatureSpec]:
    features = catalogue.features
    pairs = study.assessments[["instrument", "item"]].drop_duplicates()
    lookback = features.assessment_lookback_days
    for name, instrument in catalogue.instruments.items():
        items = set(pairs.loc[pairs["instrument"] == name, "item"].fillna(""))
        if "" in items:
            for one in features.aggregates:
                yield FeatureSpec(
                    name=f"{name}_{one.aggregate}",
                    label=f"{instrument.short_name}, {one.label}",
                    kind="numeric",
                    group=instrument.short_name,
                    unit=one.unit,
                    monotone=_direction_of_total(instrument, one.aggregate, condition),
                    recipe=TotalFeature(
                        instrument=name, aggregate=one.aggregate, lookback_days=lookback
                    ),
                )
        for item in instrument.items:
            if features.items and item.id in items:
                yield FeatureSpec(
                    name=f"{name}_item_{item.id}",
                    label=f"{instrument.short_name}, item {item.topic or item.id}",
                    kind="numeric",
                    group=instrument.short_name,
                    recipe=ItemFeature(instrument=name, item=item.id, lookback_days=lookback),
                )


def _history_specs(
    catalogue: Catalogue, study: Study, condition: str | None
) -> Iterator[FeatureSpec]:
    present = study.history[["kind", "code"]].drop_duplicates()
    for feature in catalogue.features.history:
        codes = present.loc[present["kind"] == feature.kind, "code"]
        if any(map(feature.matches, codes)):
            direction = _direction(feature.monotone, condition)
            yield _spec(feature.id, _KINDS[feature.measure], feature, direction)
