"""A deadline over everything a command does, also over what takes no deadline: an import, a kernel, a long loop."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from host.deadline import Deadline
from host.errors import HostFailure

SLACK = 1.0  # seconds for those waits that know the deadline, and say more about what it cut short
GRACE = 10.0  # seconds for cleaning up, after which the process is ended


@contextmanager
def enforced(limit: Deadline) -> Iterator[None]:
    """Raise HostFailure in the main thread when `limit` has passed and the block has not ended.

    The signal SIGUSR1 carries it. C code that does not return to Python is ended with the whole process, with the exit
    code of HOST; boards of our own then die by themselves.
    """
    error = HostFailure(
        "the time that was given is over before everything was done",
        evidence="the command was still at work at its deadline",
        next_step="give a longer --deadline, or fewer vectors",
    )

    def stop(number: int, frame: FrameType | None) -> None:
        raise error

    def end() -> None:
        if not done.wait(limit.remaining + SLACK):
            os.kill(os.getpid(), signal.SIGUSR1)
        if not done.wait(GRACE):
            os.write(2, f"{error}\n".encode())
            os._exit(error.exit_code)

    done = threading.Event()
    before = signal.signal(signal.SIGUSR1, stop)
    watcher = threading.Thread(target=end, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        signal.signal(signal.SIGUSR1, before)
