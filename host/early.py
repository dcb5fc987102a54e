"""Signals from our first line on: which came first, and an end before there is anything to clean up.

Imports as little as can be, since a signal that comes before these lines have run is answered by Python itself.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False  # typing's own costs more time than all that is here
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_pipe: tuple[int, int] | None = None  # through which the C handler says what came, in order


def end_at_once() -> None:
    """A signal ends the process with a word and its code.

    One that is ignored stays ignored: nohup is in force, and a shell without job control starts what ends with & deaf
    to Ctrl-C.
    """
    take(lambda received, frame: _end(first(received)))


def _end(number: int) -> None:
    try:  # noqa: SIM105, contextlib would be imported
        os.write(2, f"interrupted by {signal.Signals(number).name}\n".encode())
    except OSError:
        pass  # it is closed, or who read it has gone
    os._exit(128 + number)


def take(handler: Callable[[int, FrameType | None], object]) -> int:
    """Let `handler` be called for every signal of ENDING that is not ignored.

    Where numbers of signals were written to before is returned, as `signal.set_wakeup_fd` does.
    """
    global _pipe
    _pipe = _pipe or os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    wakeup = signal.set_wakeup_fd(_pipe[1], warn_on_full_buffer=False)
    _arrived()
    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)
    return wakeup


def first(number: int) -> int:
    """Which signal came first, when the handler is called for `number`: Python calls them by rising number."""
    return next((came for came in _arrived() if came in ENDING), number)


def _arrived() -> bytes:
    """The numbers of the signals that have come since the last look, as the C handler wrote them."""
    assert _pipe is not None
    try:
        return os.read(_pipe[0], 1 << 16)
    except BlockingIOError:
        return b""
