"""Validate: every problem of a study at once, and its rejected rows set aside."""

from pathlib import Path

from rich.markup import escape

from kappredict.config.catalogue import load_catalogue
from kappredict.data.partitions import check_study
from kappredict.errors import DataError
from kappredict.scaling.cluster import HERE, Place
from pipelines.console import results


def validate(study: Path, *, own_configs: Path | None = None, place: Place = HERE) -> None:
    """Print every problem, and write the rejected rows beside the study.

    Raises
    ------
    DataError
        If there is any problem.
    """
    checked = check_study(study, load_catalogue(own_configs), place.work)
    for problem in checked.problems:
        results.print(escape(str(problem)), highlight=False)
    if checked.problems:
        raise DataError(
            f"{study}: {len(checked.problems):,} problems; {checked.rejected:,} rows would be "
            f"rejected, and are written to `rejected` beside their tables. Correct them and "
            f"validate again."
        )
