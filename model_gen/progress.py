"""Progress for people: bars on a terminal, plain lines elsewhere; always on standard error.

With --quiet only warnings are there.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from host.loudness import Level, level
from host.printable import printable

# Without a terminal a line comes at least every minute, where no step takes more than half of one.
LINE_SECONDS = 30.0


class Bar(Protocol):
    """Something that is told how far the work has come."""

    def __call__(self, done: int, note: str = "") -> None: ...


@contextmanager
def bar(
    title: str, total: int, *, plain: bool = True, clock: Callable[[], float] = time.monotonic
) -> Iterator[Bar]:
    """A bar of `total` steps; without a terminal a line now and then, and if `plain` one at its end."""
    if sys.stderr.isatty() and level() > Level.QUIET:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            Remaining(),
            TextColumn("{task.fields[note]}"),
        )
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task(title, total=total, note="")

            def show(done: int, note: str = "") -> None:
                progress.update(task, completed=done, note=note)

            yield show
        return
    last, spoke = f"{title}: 0 of {total}", clock()

    def keep(done: int, note: str = "") -> None:
        nonlocal last, spoke
        last = f"{title}: {done} of {total} {note}".rstrip()
        if clock() - spoke >= LINE_SECONDS:
            line(last)
            spoke = clock()

    yield keep
    if plain:
        line(last)


def line(text: str) -> None:
    """One line about what goes on, at once."""
    if level() > Level.QUIET:
        warn(text)


def warn(text: str) -> None:
    """One line that nobody is to miss, at once."""
    print(printable(text), file=sys.stderr, flush=True)
