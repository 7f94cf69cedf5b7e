"""The terminal: progress and messages on stderr, results on stdout, errors without a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

# Into a file or a pipe, tables are laid out for a wide page.
_WIDE = 150
# Messages name files and columns as they are: a name in brackets is no markup.
messages = Console(stderr=True, markup=False)
results = Console(width=None if sys.stdout.isatty() else _WIDE)


class Advance(Protocol):
    """Takes how many are done, of how many, and what there is to say of it."""

    def __call__(self, done: int, total: int, note: str = "") -> None: ...


@contextmanager
def progress(label: str) -> Iterator[Advance]:
    """Show a progress bar with the time left; nothing where nobody watches."""
    columns = (
        TextColumn(label),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(
        *columns, console=messages, disable=not messages.is_terminal, speed_estimate_period=300
    ) as bar:
        task = bar.add_task(label, total=None, note="")

        def advance(done: int, total: int, note: str = "") -> None:
            if bar.tasks[task].total is None:  # what was done before says nothing of the speed
                bar.reset(task, completed=done, total=total)
            bar.update(task, completed=done, total=total, note=note)

        yield advance


def show_error(message: str) -> None:
    """Print an error as one message, unbroken, so that a path in it can be copied."""
    messages.print(Text.assemble(("Error:", "bold red"), f" {message}"), soft_wrap=True)
