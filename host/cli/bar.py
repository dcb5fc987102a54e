"""A bar for work that is counted: on a terminal it moves, elsewhere a line now and then."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

from host.cli.progress import EVERY
from host.loudness import Level, level


@contextlib.contextmanager
def bar(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Show that `what` goes on; the function that it yields says that one of `total` is done, from any thread."""
    if level() is Level.QUIET:
        yield lambda: None
        return
    if not sys.stderr.isatty():
        yield _lines(what, total)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


def _lines(what: str, total: int) -> Callable[[], None]:
    lock, done, said = threading.Lock(), [0], [time.monotonic()]

    def step() -> None:
        with lock:
            done[0] += 1
            if time.monotonic() - said[0] >= EVERY:
                said[0] = time.monotonic()
                print(f"... {what}: {done[0]:,} of {total:,}", file=sys.stderr, flush=True)

    return step
