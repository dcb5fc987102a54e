"""The signals that end a command become KeyboardInterrupt, so that boards, locks and files are cleaned up."""

import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self, TypeVar

from host.early import ENDING, first, take

# Seconds that a command has for cleaning up before a further signal interrupts that, too.
PATIENCE = 5.0
# Seconds after which an interrupt that was dropped is raised anew.
AGAIN = 0.25

T = TypeVar("T")


class Interrupts:
    """Within its block, SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt; `received` is the one that came first.

    Behind the block, signals do what they did before it: a process that runs a command and goes on
    is not left deaf to them, nor are children that it forks.

    Libraries in C drop an exception now and then that comes while they look for one of their own. So the first signal
    sets an alarm, which raises once more where nobody has begun to clean up.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._at = -math.inf
        self._raises = False

    def __enter__(self) -> Self:
        # SIGALRM is saved as well: the first signal takes it.
        self._before = {number: signal.getsignal(number) for number in (*ENDING, signal.SIGALRM)}
        self._wakeup = take(self._stop)
        return self

    def __exit__(self, *exception: object) -> None:
        self._raises = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)

    def during(self, work: Callable[[], T]) -> T | None:
        """What `work` gives; None when a signal has ended it. No exception of ours leaves this call.

        Python calls a handler behind a call, at the beginning of a function, and when a loop goes
        round. None of these stands between `work` and the line from which on nothing is raised.
        """
        result = None
        try:
            self._raises = True
            if self.received is None:
                result = work()
        except KeyboardInterrupt:
            result = None
        self._raises = False
        return result

    def _stop(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._at < PATIENCE:
            return  # a second Ctrl-C must not cut short what the first one began to clean up
        self._at = now
        self.received = self.received or signal.Signals(first(number))
        if self._raises:
            signal.signal(signal.SIGALRM, self._again)
            signal.setitimer(signal.ITIMER_REAL, AGAIN)
            raise KeyboardInterrupt

    def _again(self, number: int, frame: FrameType | None) -> None:
        handled: BaseException | None = sys.exception()
        while handled is not None:
            if isinstance(handled, KeyboardInterrupt):
                return
            handled = handled.__context__
        if self._raises:
            signal.setitimer(signal.ITIMER_REAL, AGAIN)
            raise KeyboardInterrupt


@contextmanager
def unbroken() -> Iterator[None]:
    """Within its block no signal interrupts: one that comes acts behind it.

    For what is whole or nothing, and for C code that calls Python, where an exception would be dropped. Python handles
    signals in the main thread alone: in another one this does nothing.
    """
    came: list[int] = []
    before = {}
    main = threading.current_thread() is threading.main_thread()
    try:
        for number in (*ENDING, signal.SIGALRM) if main else ():
            handler = signal.getsignal(number)
            if handler not in (signal.SIG_IGN, None):
                before[number] = handler
                signal.signal(number, lambda number, frame: came.append(number))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for missed in came:
            signal.raise_signal(missed)
