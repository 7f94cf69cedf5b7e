"""Monitor: what a model is asked and answers, and whether outcomes still bear it out."""

import os
from datetime import date
from pathlib import Path

import pandas as pd

from kappredict.config.catalogue import load_catalogue
from kappredict.data.study import Study
from kappredict.data.validation import load_study
from kappredict.errors import DataError, UsageError
from kappredict.estimators.bundle import ModelBundle, digest, load_bundle
from kappredict.monitoring.looks import Monitoring
from kappredict.monitoring.looks import monitor as look
from kappredict.monitoring.stream import (
    Pseudonyms,
    Stream,
    stream_of_predictions,
    stream_of_study,
)
from kappredict.serving.audit import AuditTrail
from kappredict.serving.pseudonyms import course_pseudonym, pseudonym
from kappredict.serving.settings import PREFIX
from kappredict.tracking.store import Store
from pipelines.models import bundle_folder

# Net benefit's intervals are resampled: the same data give the same answer.
_SEED = 1
# The exit code of an alarm: the command did its work, and found something.
ALARM = 13


def monitor(
    model: str, folder: Path | None, predictions: str | None, store: Store, *, as_of: date
) -> Monitoring:
    """Monitor a model on a study, on served predictions, or on these with the study's outcomes.

    Raises
    ------
    UsageError
        If there is neither.
    """
    made = bundle_folder(model, store)
    bundle = load_bundle(made)
    study = None if folder is None else load_study(folder, load_catalogue())
    if predictions is not None:
        return look(_served(bundle, digest(made), predictions, study), as_of, seed=_SEED)
    if study is not None:
        return look(stream_of_study(bundle, study), as_of, seed=_SEED)
    raise UsageError("nothing to monitor: give --study, --predictions, or both")


def _served(bundle: ModelBundle, made: str, place: str, study: Study | None) -> Stream:
    """Lay out what this very bundle served; what another version said is not its own."""
    if "://" not in place and not Path(place).is_file():
        raise DataError(f"{place} is no database of served predictions")
    trail, name = AuditTrail.at(place), bundle.task.name
    rows, others = trail.predictions(name, made)
    trail.close()
    if not rows:
        more = f"; other versions of it served {others:,}: monitor those" if others else ""
        raise DataError(f"{place} has no prediction that this version of {name} served{more}")
    served = pd.DataFrame(rows)
    days = pd.to_datetime(served["at"], format="ISO8601").dt.tz_localize(None)
    secret = os.environ.get(f"{PREFIX}PSEUDONYM_KEY", "").encode()
    named = Pseudonyms(
        of_patient=lambda patient_id: pseudonym(patient_id, secret),
        of_course=lambda course_id: course_pseudonym(course_id, secret),
    )
    return stream_of_predictions(bundle, served.assign(at=days), study, named)
