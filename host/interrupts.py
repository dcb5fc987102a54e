"""The signals that end a command become KeyboardInterrupt, so that boards, locks and files are cleaned up."""

import math
import os
import signal
import sys
import time
from types import FrameType

# Seconds that a command has for cleaning up before a further signal interrupts that, too.
PATIENCE = 5.0
# Seconds after which an interrupt that was dropped is raised anew.
AGAIN = 0.25
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_at_once() -> None:
    """Before there is anything to clean up: a signal ends the process with its code.

    One that is ignored stays ignored: nohup is in force, and a shell without job control starts what ends with & deaf
    to Ctrl-C.
    """
    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda received, frame: os._exit(128 + received))


class Interrupts:
    """Raises KeyboardInterrupt on SIGINT, SIGTERM and SIGHUP; `received` is the one that came.

    Libraries in C drop an exception now and then that comes while they look for one of their own. So the first signal
    sets an alarm, which raises once more where nobody has begun to clean up.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._at = -math.inf
        for number in ENDING:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._stop)

    def done(self) -> None:
        """Nothing is left to interrupt: no alarm comes any more."""
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._at < PATIENCE:
            return  # a second Ctrl-C must not cut short what the first one began to clean up
        self._at = now
        self.received = signal.Signals(number)
        signal.signal(signal.SIGALRM, self._again)
        signal.setitimer(signal.ITIMER_REAL, AGAIN)
        raise KeyboardInterrupt

    def _again(self, number: int, frame: FrameType | None) -> None:
        handled: BaseException | None = sys.exception()
        while handled is not None:
            if isinstance(handled, KeyboardInterrupt):
                return
            handled = handled.__context__
        signal.setitimer(signal.ITIMER_REAL, AGAIN)
        raise KeyboardInterrupt
