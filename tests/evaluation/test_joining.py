"""Modelling sets of partitions, joined, are those of the whole study: bit for bit."""

from pathlib import Path

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from kappredict.config.catalogue import Catalogue
from kappredict.data.partitioning import partition_study
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.writers import write_study
from kappredict.domain.task import tasks_of
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.sources import Source, open_source

# One that is judged by a score, one by use.
CONDITIONS = ("depression", "aud")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("joining") / "whole"
    study = simulate(load_parameters(), patients=120, seed=6, conditions=CONDITIONS).study
    write_study(study, folder)
    return folder


@pytest.fixture(scope="module")
def whole(folder: Path, catalogue: Catalogue) -> dict[str, ModellingSet]:
    return sets_of(open_source(folder, catalogue))


def sets_of(source: Source) -> dict[str, ModellingSet]:
    tasks = [
        task
        for name in CONDITIONS
        for task in tasks_of(source.catalogue.condition(name), ("response", "relapse"), ("early",))
    ]
    return {one.task.name: one for batch in source.batches(tasks) for one in batch}


def assert_same(one: ModellingSet, other: ModellingSet) -> None:
    for table in ("features", "context"):
        frames = [getattr(data, table).frame for data in (one, other)]
        assert_frame_equal(*frames, check_exact=True)
        assert getattr(one, table).specs == getattr(other, table).specs
    assert_frame_equal(one.courses, other.courses, check_exact=True)
    assert one.attrition == other.attrition
    for name, values in vars(one.target).items():
        np.testing.assert_array_equal(values, getattr(other.target, name))


@pytest.mark.parametrize("number", [2, 5])
def test_features_and_outcomes_do_not_depend_on_how_a_study_is_divided(
    folder: Path, whole: dict[str, ModellingSet], catalogue: Catalogue, number: int, tmp_path: Path
) -> None:
    out = tmp_path / "divided"
    partition_study(folder, out, catalogue, number)
    joined = sets_of(open_source(out, catalogue))
    assert joined.keys() == whole.keys()
    for name, expected in whole.items():
        assert_same(joined[name], expected)
