"""The terminal: progress and messages on stderr, results on stdout, errors without a traceback."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

# Into a file or a pipe, tables are laid out for a wide page.
_WIDE = 150
# Messages name files and columns as they are: a name in brackets is no markup.
messages = Console(stderr=True, markup=False)
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


def show_error(message: str) -> None:
    """Print an error as one message, unbroken, so that a path in it can be copied."""
    messages.print(Text.assemble(("Error:", "bold red"), f" {message}"), soft_wrap=True)
