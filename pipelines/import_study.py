"""Import: a source's files to a checked study folder, by the SQL of an import folder."""

from pathlib import Path

from rich.markup import escape

from kappredict.config.catalogue import load_catalogue
from kappredict.data.importing import import_study as run_queries
from kappredict.data.validation import check
from kappredict.data.writers import write_rejected, write_study
from kappredict.errors import DataError
from pipelines.console import messages, results


def import_study(
    import_folder: Path, source: Path | str, out: Path, *, own_configs: Path | None = None
) -> None:
    """Write the study; rows that cannot be used go to its `rejected/` folder, counted.

    Raises
    ------
    DataError
        If any row was rejected: the sound rows are written all the same.
    """
    catalogue = load_catalogue(own_configs)
    raw = run_queries(import_folder, source, catalogue)
    checked = check(raw, catalogue)
    write_study(checked.study, out)
    for note in raw.notes:
        messages.print(escape(note), highlight=False)
    for name, table in checked.study.tables.items():
        messages.print(f"{name}: {len(table):,} rows")
    if checked.problems:
        write_rejected(checked.rejected, out)
        for problem in checked.problems:
            results.print(escape(str(problem)), highlight=False)
        rows = sum(len(rejected) for rejected in checked.rejected.values())
        raise DataError(
            f"{len(checked.problems):,} problems; {rows:,} rows were rejected and written to "
            f"{out / 'rejected'}, the others to {out}. Correct the import's SQL or the source."
        )
