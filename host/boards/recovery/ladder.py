"""Rungs climbed one by one until the board says HELLO: bounded, each step told."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from host.deadline import Deadline
from host.errors import NightjarError

ANSWERS, SILENT, FAILED, ABSENT = "answers", "silent", "failed", "absent"


@dataclass(frozen=True)
class Rung:
    """One thing that may bring a board back.

    Attributes:
        name: what it is called.
        act: does it, and raises a NightjarError where it cannot; None: this board has no such rung.
        seconds: that it may take, before HELLO is asked.
        absent: why there is none.
    """

    name: str
    act: Callable[[Deadline], None] | None
    seconds: float = 30.0
    absent: str = ""


@dataclass(frozen=True)
class Step:
    """What came of a rung.

    Attributes:
        rung: its name.
        outcome: ANSWERS: the board said HELLO behind it; SILENT: it did not; FAILED: it could not be done; ABSENT.
        seconds: that it took, with HELLO.
        said: who answers, or what was said of the failure.
    """

    rung: str
    outcome: str
    seconds: float
    said: str

    @property
    def line(self) -> str:
        """For people."""
        return f"{self.rung}: {self.outcome}, {self.seconds:.1f} s: {self.said}"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "seconds": round(self.seconds, 3)}


def climb(
    rungs: Sequence[Rung],
    hello: Callable[[], str],
    say: Callable[[str], None],
    limit: Deadline,
) -> tuple[Step, ...]:
    """Climb until the board answers; the last step says whether it does. A rung is climbed once.

    Args:
        hello: asks who answers, within a bound of its own, and gives it in words; raises a NightjarError otherwise.
        say: told each step as it is done.
        limit: no rung is begun behind it.
    """
    steps: list[Step] = []
    for rung in rungs:
        began = time.monotonic()
        outcome, said = ABSENT, rung.absent
        if rung.act is not None:
            outcome = FAILED
            try:
                if limit.expired:
                    said = "there was no time left for it"
                else:
                    rung.act(limit.at_most(rung.seconds))
                    outcome = SILENT
                    said = hello()
                    outcome = ANSWERS
            except NightjarError as error:
                said = f"{error.what}; {error.evidence}" if error.evidence else error.what
        steps.append(Step(rung.name, outcome, time.monotonic() - began, said))
        say(steps[-1].line)
        if outcome == ANSWERS:
            break
    return tuple(steps)
