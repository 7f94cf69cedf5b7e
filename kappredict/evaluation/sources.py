"""A study to model, whole or in partitions: both give the modelling sets of tasks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Protocol

from kappredict.config.catalogue import Catalogue
from kappredict.data.outline import Outline, joined, outline
from kappredict.data.partitions import Work, here, refuse_crossing
from kappredict.data.readers import parts_of
from kappredict.data.study import Study
from kappredict.data.totals import with_totals
from kappredict.data.validation import load_study
from kappredict.domain.features import FeatureSpec
from kappredict.domain.task import PredictionTask
from kappredict.evaluation.joining import join_sets
from kappredict.evaluation.modelling_set import ModellingSet, build_modelling_set, set_with_features
from kappredict.features.specs import feature_specs

Task = PredictionTask


class Source(Protocol):
    """What training asks of a study."""

    @property
    def study(self) -> Study:
        """The study, or its outline."""
        ...

    @property
    def catalogue(self) -> Catalogue:
        """The definitions, the study's own among them."""
        ...

    def batches(self, tasks: Sequence[Task]) -> Iterator[list[ModellingSet]]:
        """Give the modelling sets of all tasks, as many at once as fit into memory.

        Tasks of the same outcome and landmark are never parted: they may lean on each other.
        """
        ...


def open_source(folder: Path, catalogue: Catalogue, work: Work = here) -> Source:
    """Open a study folder, checked.

    Raises
    ------
    DataError
        If anything is wrong with it.
    """
    parts = parts_of(folder)
    if not parts:
        study = load_study(folder, catalogue)
        own = catalogue.for_study(study.definition)
        return WholeStudy(with_totals(study, own.instruments), own)
    refuse_crossing(folder)
    found = joined(list(work(partial(_outline, catalogue=catalogue), parts)))
    own = catalogue.for_study(found.definition)
    return PartitionedStudy(found, own, tuple(parts), work)


@dataclass(frozen=True)
class WholeStudy:
    """A study in memory."""

    study: Study
    catalogue: Catalogue

    def batches(self, tasks: Sequence[Task]) -> Iterator[list[ModellingSet]]:
        """Give all modelling sets at once."""
        yield [build_modelling_set(self.study, self.catalogue, task) for task in tasks]


@dataclass(frozen=True)
class PartitionedStudy:
    """A study in partitions, of which no more than an outline is in memory."""

    study: Outline
    catalogue: Catalogue
    parts: tuple[Path, ...]
    work: Work

    def batches(self, tasks: Sequence[Task]) -> Iterator[list[ModellingSet]]:
        """Give the modelling sets of one outcome and landmark after the other."""
        ordered = sorted(tasks, key=_leaning)
        for _, together in groupby(ordered, key=_leaning):
            yield self._modelling_sets(list(together))

    def _modelling_sets(self, tasks: Sequence[Task]) -> list[ModellingSet]:
        wanted = [
            (task, feature_specs(self.catalogue, self.study, task.condition.id)) for task in tasks
        ]
        ask = partial(_sets, catalogue=self.catalogue, wanted=wanted)
        return [join_sets(one) for one in zip(*self.work(ask, self.parts), strict=True)]


def _leaning(task: Task) -> tuple[str, str]:
    return task.outcome, task.landmark


def _outline(part: Path, catalogue: Catalogue) -> Outline:
    return outline(_read(part, catalogue))


def _sets(
    part: Path, catalogue: Catalogue, wanted: Sequence[tuple[Task, tuple[FeatureSpec, ...]]]
) -> list[ModellingSet]:
    study = _read(part, catalogue)
    return [set_with_features(study, task, specs) for task, specs in wanted]


def _read(part: Path, catalogue: Catalogue) -> Study:
    study = load_study(part, catalogue)
    return with_totals(study, catalogue.for_study(study.definition).instruments)
