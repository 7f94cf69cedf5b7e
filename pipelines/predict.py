"""Predict: a bundle and patients (a study, or JSON patient records) to answers with reasons."""

import json
from pathlib import Path

import pandas as pd

from kappredict.config.catalogue import Catalogue, load_catalogue
from kappredict.data.records import study_from_records
from kappredict.data.study import Study
from kappredict.data.validation import load_study
from kappredict.domain.prediction import Abstention, Prediction
from kappredict.errors import DataError, UsageError
from kappredict.estimators.bundle import ModelBundle
from kappredict.explanation.study_answers import answer_study
from kappredict.tracking.store import Store
from pipelines.models import open_model
from pipelines.tables import rows_of

_WRITERS = {
    ".csv": lambda frame, path: frame.to_csv(path, index=False),
    ".parquet": lambda frame, path: frame.to_parquet(path, index=False),
    ".json": lambda frame, path: frame.to_json(path, orient="records", indent=1),
}


def predict(model: str, patients: Path, store: Store) -> list[Prediction | Abstention]:
    """Answer for every course of a study folder, or of a file of JSON patient records."""
    bundle = open_model(model, store)
    catalogue = load_catalogue()
    if patients.is_dir():
        return answer_study(bundle, load_study(patients, catalogue))
    return answer_study(bundle, _study_of_records(patients, bundle, catalogue))


def _study_of_records(path: Path, bundle: ModelBundle, catalogue: Catalogue) -> Study:
    """Read a file of one patient record or a list of them, and check it as any study is checked.

    Raises
    ------
    DataError
        If the file cannot be read, is no JSON, or a record is wrong.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read; name a study folder or a JSON file") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise DataError(f"{path}: is not JSON ({error.msg} at {place})") from error
    records = content if isinstance(content, list) else [content]
    return study_from_records(records, bundle.recipe.study, catalogue)


def write_answers(answers: list[Prediction | Abstention], path: Path) -> None:
    """Write answers as CSV, Parquet or JSON, by the file's ending.

    Raises
    ------
    UsageError, DataError
        If the ending is another, or the file cannot be written.
    """
    if path.suffix not in _WRITERS:
        raise UsageError(f"{path}: the ending says the format; one of {', '.join(_WRITERS)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _WRITERS[path.suffix](pd.DataFrame(rows_of(answers)), path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error
