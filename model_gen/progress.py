"""Progress for people: bars on a terminal, plain lines elsewhere; always on standard error."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from host.printable import printable


class Bar(Protocol):
    """Something that is told how far the work has come."""

    def __call__(self, done: int, note: str = "") -> None: ...


@contextmanager
def bar(title: str, total: int, *, plain: bool = True) -> Iterator[Bar]:
    """A bar of `total` steps on a terminal; elsewhere one line at the end, or nothing without `plain`."""
    if sys.stderr.isatty():
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
    state = {"done": 0, "note": ""}

    def keep(done: int, note: str = "") -> None:
        state.update(done=done, note=note)

    yield keep
    if plain:
        line(f"{title}: {state['done']} of {total} {state['note']}".rstrip())


def line(text: str) -> None:
    """One line on standard error, at once."""
    print(printable(text), file=sys.stderr, flush=True)
