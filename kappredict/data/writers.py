"""Writes a study's folder, all of it or nothing, and the rows that checking rejected."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import yaml

from kappredict.data.study import Study
from kappredict.data.validation import MARK
from kappredict.domain.studies import StudyDefinition
from kappredict.errors import DataError


def write_study(study: Study, folder: Path) -> None:
    """Write a study as Parquet tables and `study.yaml`, in place of the study that may be there.

    Every row of a synthetic study carries a column `synthetic` that is true.

    Raises
    ------
    DataError
        If the folder holds something else, or cannot be written; what was there is then unchanged.
    """
    with replacing(folder) as fresh:
        _write_into(study, fresh)


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Give a fresh folder to write a study into; at the end it takes the place of the old one.

    Raises
    ------
    DataError
        If the folder holds something else, or cannot be written; what was there is then unchanged.
    """
    if folder.exists() and not _is_study_or_empty(folder):
        raise DataError(
            f"{folder}: is there already and is no study; name a new folder, or empty this one"
        )
    with _unwritable(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = folder.with_name(f".{folder.name}.{os.getpid()}.new")
        try:
            fresh.mkdir()
            yield fresh
            _swap(fresh, folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def write_rejected(rejected: Mapping[str, pd.DataFrame], folder: Path) -> Path | None:
    """Write rejected rows to `rejected/<table>.csv` in a study's folder, in place of earlier ones.

    Returns
    -------
    Path or None
        The folder written, or None where nothing was rejected.

    Raises
    ------
    DataError
        If the folder cannot be written.
    """
    place = folder / "rejected"
    with _unwritable(place):
        if place.exists():
            shutil.rmtree(place)
        if not rejected:
            return None
        place.mkdir(parents=True)
        for name, rows in rejected.items():
            rows.to_csv(place / f"{name}.csv", index=False)
    return place


def _is_study_or_empty(folder: Path) -> bool:
    return folder.is_dir() and ((folder / "study.yaml").is_file() or not any(folder.iterdir()))


def _write_into(study: Study, folder: Path) -> None:
    for name, rows in study.tables.items():
        marked = rows.assign(**{MARK: True}) if study.definition.synthetic else rows
        marked.to_parquet(folder / f"{name}.parquet", index=False)
    write_definition(study.definition, folder)


def write_definition(definition: StudyDefinition, folder: Path) -> None:
    """Write `study.yaml` into a folder."""
    content = definition.model_dump(mode="json", exclude_defaults=True)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    (folder / "study.yaml").write_text(text, encoding="utf-8")


def _swap(fresh: Path, folder: Path) -> None:
    """Put the fresh folder in the place of the old one, which is removed only afterwards."""
    if not folder.exists():
        fresh.rename(folder)
        return
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    folder.rename(old)
    try:
        fresh.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _unwritable(folder: Path) -> Iterator[None]:
    """Turn a failed write (a full disk, no permission) into one message."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            f"{folder}: cannot be written ({reason}); free space, or choose another folder"
        ) from error


def write_truth(truth: pd.DataFrame, folder: Path) -> Path:
    """Write what a simulation knows and a study must not beside its tables, as `truth.parquet`."""
    path = folder / "truth.parquet"
    with _unwritable(path):
        truth.assign(**{MARK: True}).to_parquet(path, index=False)
    return path
