"""The modelling sets of the tasks that a run asks for, and those too small to be modelled."""

from collections.abc import Sequence

from kappredict.config.catalogue import Catalogue
from kappredict.data.study import Study
from kappredict.domain.task import PredictionTask, tasks_of
from kappredict.errors import RefusedError
from kappredict.evaluation.modelling_set import ModellingSet, build_modelling_set, with_kin
from kappredict.evaluation.settings import TrainingSettings

TooSmall = tuple[ModellingSet, RefusedError]
"""A set that is not modelled, and why."""


def task_sets(
    study: Study, catalogue: Catalogue, conditions: Sequence[str], settings: TrainingSettings
) -> tuple[list[ModellingSet], list[TooSmall]]:
    """Build the set of every task of some conditions, or of `all` that the study has.

    Sets that are large enough lean on one another (`with_kin`).
    """
    tasks = chosen_tasks(study, catalogue, conditions, settings)
    return large_enough([build_modelling_set(study, catalogue, one) for one in tasks], settings)


def chosen_tasks(
    study: Study, catalogue: Catalogue, conditions: Sequence[str], settings: TrainingSettings
) -> list[PredictionTask]:
    """List the tasks of some conditions, or of `all` that the study has."""
    present = set(study.courses["condition"])
    every = [name for name in catalogue.conditions if name in present]
    chosen = every if "all" in conditions else [catalogue.condition(c).id for c in conditions]
    return [
        task
        for condition in map(catalogue.condition, chosen)
        for task in tasks_of(condition, settings.outcomes, settings.landmarks)
    ]


def large_enough(
    sets: Sequence[ModellingSet], settings: TrainingSettings
) -> tuple[list[ModellingSet], list[TooSmall]]:
    """Part the sets that are large enough, which then lean on one another, from the others."""
    usable: list[ModellingSet] = []
    too_small: list[TooSmall] = []
    for data in sets:
        try:
            data.require_events(settings.least_events)
            usable.append(data)
        except RefusedError as error:
            too_small.append((data, error))
    return with_kin(usable), too_small
