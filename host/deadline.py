"""The clock of waits, and a point in time that is handed down from the caller, so that no wait is without an end."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_clock: ContextVar[Callable[[], float]] = ContextVar("clock", default=time.monotonic)


def now() -> float:
    """Seconds of the clock: `time.monotonic()`, unless it was replaced."""
    return _clock.get()()


@contextmanager
def clocked(clock: Callable[[], float]) -> Iterator[None]:
    """Replace the clock, for what runs in the block: in this thread, not in others."""
    token = _clock.set(clock)
    try:
        yield
    finally:
        _clock.reset(token)


@dataclass(frozen=True)
class Deadline:
    """An instant of the clock, in seconds of `now()`."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The instant `seconds` from now."""
        return cls(now() + seconds)

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - now())

    @property
    def expired(self) -> bool:
        """Whether the instant has passed."""
        return now() >= self.at

    def at_most(self, seconds: float) -> "Deadline":
        """The earlier of this deadline and `seconds` from now: for one attempt among several."""
        return Deadline(min(self.at, now() + seconds))
