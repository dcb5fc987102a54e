"""The signals that end a command become KeyboardInterrupt, so that boards, locks and files are cleaned up."""

import math
import signal
import sys
import time
from types import FrameType

# Seconds that a command has for cleaning up before a further signal interrupts that, too.
PATIENCE = 5.0
# Seconds after which an interrupt that was dropped is raised anew.
AGAIN = 0.25


class Interrupts:
    """Raises KeyboardInterrupt on SIGINT, SIGTERM and SIGHUP; `received` is the one that came.

    Libraries in C drop an exception now and then that comes while they look for one of their own. So the first signal
    sets an alarm, which raises once more where nobody has begun to clean up.
    """

    def __init__(self) -> None:
        self.received = signal.SIGINT
        self._at = -math.inf
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) == signal.SIG_DFL:  # nohup stays in force
                signal.signal(number, self._stop)
        # A shell without job control starts what ends with & deaf to Ctrl-C, and Python keeps it so.
        if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
            signal.signal(signal.SIGINT, self._stop)

    def done(self) -> None:
        """The interrupt has reached the top."""
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
