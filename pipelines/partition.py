"""Partition: a study, or the source of an import, to a study in partitions by patient."""

from pathlib import Path

from rich.markup import escape

from kappredict.config.catalogue import load_catalogue
from kappredict.data.partitioning import partition_import, partition_study
from kappredict.errors import DataError
from kappredict.scaling.cluster import HERE, Place
from pipelines.console import messages, results


def partition(
    source: Path | str,
    out: Path,
    *,
    partitions: int,
    import_folder: Path | None = None,
    own_configs: Path | None = None,
    place: Place = HERE,
) -> None:
    """Write the study; rows that cannot be used go to the `rejected/` of their partition, counted.

    Raises
    ------
    DataError
        If any row was rejected: the sound rows are written all the same.
    """
    catalogue = load_catalogue(own_configs)
    checked = (
        partition_study(Path(source), out, catalogue, partitions, place.work)
        if import_folder is None
        else partition_import(import_folder, source, out, catalogue, partitions, place.work)
    )
    for note in checked.notes:
        messages.print(escape(note), highlight=False)
    for name, rows in checked.rows.items():
        messages.print(f"{name}: {rows:,} rows")
    for problem in checked.problems:
        results.print(escape(str(problem)), highlight=False)
    if checked.problems:
        raise DataError(
            f"{len(checked.problems):,} problems; {checked.rejected:,} rows were rejected and "
            f"written to the `rejected` folders of their partitions, the others to {out}."
        )
