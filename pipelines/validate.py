"""Validate: every problem of a study at once, and its rejected rows set aside."""

from pathlib import Path

from rich.markup import escape

from kappredict.config.catalogue import load_catalogue
from kappredict.data.readers import read_tables
from kappredict.data.validation import check
from kappredict.data.writers import write_rejected
from kappredict.errors import DataError
from pipelines.console import results


def validate(study: Path, *, own_configs: Path | None = None) -> None:
    """Print every problem, and write the rejected rows beside the study.

    Raises
    ------
    DataError
        If there is any problem.
    """
    checked = check(read_tables(study), load_catalogue(own_configs))
    for problem in checked.problems:
        results.print(escape(str(problem)), highlight=False)
    if checked.problems:
        write_rejected(checked.rejected, study)
        rows = sum(len(rejected) for rejected in checked.rejected.values())
        raise DataError(
            f"{study}: {len(checked.problems):,} problems; {rows:,} rows would be rejected, "
            f"and are written to {study / 'rejected'}. Correct them and validate again."
        )
