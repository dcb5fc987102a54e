"""What a command shows while it works: a line that moves on a terminal, elsewhere a line now and then."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

from host.cli import common
from host.loudness import Level, level
from host.printable import printable

EVERY = 20.0  # seconds between two lines where there is no terminal

Say = Callable[[str], None]


@contextlib.contextmanager
def working(what: str) -> Iterator[Say]:
    """Show that the command works on `what`; the function that it yields says what it works on now.

    Goes to standard error. Nothing is shown with --quiet, nor where the work ends soon and there is no terminal.
    """
    what = printable(what)
    if level() is Level.QUIET:
        yield lambda now: None
    elif sys.stderr.isatty():
        yield from _on_terminal(what)
    else:
        yield from _in_lines(what)


def _on_terminal(what: str) -> Iterator[Say]:
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True)
    with console.status(escape(what)) as status, common.printing_above(console):
        yield lambda now: status.update(escape(printable(now)))


def _in_lines(what: str) -> Iterator[Say]:
    started = time.monotonic()
    current = [what]
    ended = threading.Event()

    def tell() -> None:
        while not ended.wait(EVERY):
            seconds = time.monotonic() - started
            print(f"... {current[0]} ({seconds:.0f} s)", file=sys.stderr, flush=True)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield lambda now: current.__setitem__(0, printable(now))
    finally:
        ended.set()
        teller.join()
