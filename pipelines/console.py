"""The terminal: progress and messages on stderr, results on stdout, errors without a traceback."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

# Into a file or a pipe, tables are laid out for a wide page.
_WIDE = 150
messages = Console(stderr=True)
results = Console(width=None if sys.stdout.isatty() else _WIDE)


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar; gives a function that takes how many are done, of how many."""
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=messages) as bar:
        task = bar.add_task(label, total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield advance
