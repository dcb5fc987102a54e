"""What carries bytes to a board and back."""

import os
import select
from collections.abc import Callable
from typing import Protocol

from host.deadline import Deadline
from host.errors import BoardFailure, NightjarError


class TransportClosed(BoardFailure):
    """The other end closed the connection."""


class Transport(Protocol):
    """A two-way stream of bytes. `write` is called with one whole link frame at a time."""

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send everything. Raises LinkFailure when the deadline passes, BoardFailure when the board is gone."""

    def read(self, deadline: Deadline) -> bytes:
        """Wait until bytes have come and return them; b"" at the deadline, at once when it has passed."""

    def close(self) -> None:
        """Give everything back; may be called twice."""


class Watch:
    """A process at the other end, whose death ends every wait.

    Args:
        pid: of the process.
        died: makes the error that is raised then.
    """

    def __init__(self, pid: int, died: Callable[[], NightjarError]) -> None:
        self._died = died
        try:
            self._fd: int | None = os.pidfd_open(pid)
        except ProcessLookupError:
            raise died() from None

    def fileno(self) -> int:
        if self._fd is None:
            raise ValueError("the watch is closed")
        return self._fd

    def error(self) -> NightjarError:
        return self._died()

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def wait_for(fd: int, event: int, deadline: Deadline, watch: Watch | None) -> bool:
    """Wait until `fd` is ready for `event` (select.POLLIN or POLLOUT); False at the deadline.

    Raises:
        NightjarError: the watched process died and `fd` has nothing left.
    """
    poll = select.poll()
    poll.register(fd, event)
    if watch is not None:
        poll.register(watch.fileno(), select.POLLIN)
    ready = dict(poll.poll(deadline.remaining * 1000))
    if fd in ready:
        return True
    if watch is not None and ready:
        raise watch.error()
    return False


def pause(deadline: Deadline, watch: Watch | None) -> None:
    """Wait for the deadline.

    Raises:
        NightjarError: the watched process died meanwhile.
    """
    poll = select.poll()
    if watch is not None:
        poll.register(watch.fileno(), select.POLLIN)
    if poll.poll(deadline.remaining * 1000) and watch is not None:
        raise watch.error()


def gone(watch: Watch | None, what: str, evidence: str) -> NightjarError:
    """The error for a closed connection: what the watched process says, if it has died (it has 200 ms for that)."""
    if watch is not None:
        poll = select.poll()
        poll.register(watch.fileno(), select.POLLIN)
        if poll.poll(200):
            return watch.error()
    return TransportClosed(
        what,
        evidence=evidence,
        next_step="see whether the board or its process still runs, then try again",
    )
