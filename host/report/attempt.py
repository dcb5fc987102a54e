"""An attempt at a verdict that the board or its link ended."""

from dataclasses import dataclass

from host.boards.recovery.ladder import Step
from host.errors import NightjarError


@dataclass(frozen=True)
class FailedAttempt:
    """What ended it, and what brought the board back: no step where a new one was started."""

    failure: str
    what: str
    evidence: str
    steps: tuple[Step, ...] = ()

    @classmethod
    def of(cls, error: NightjarError, steps: tuple[Step, ...] = ()) -> "FailedAttempt":
        """Of what was raised."""
        return cls(error.failure_class, error.what, error.evidence, steps)
