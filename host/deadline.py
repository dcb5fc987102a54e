"""A point in time that is handed down from the caller, so that no wait is without an end."""

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Deadline:
    """A monotonic instant, in seconds of `time.monotonic()`."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The instant `seconds` from now."""
        return cls(time.monotonic() + seconds)

    @property
    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - time.monotonic())

    @property
    def expired(self) -> bool:
        """Whether the instant has passed."""
        return time.monotonic() >= self.at

    def at_most(self, seconds: float) -> "Deadline":
        """The earlier of this deadline and `seconds` from now: for one attempt among several."""
        return Deadline(min(self.at, time.monotonic() + seconds))
