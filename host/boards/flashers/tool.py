"""A vendor's tool at work: run to its end, and what it said turned into a class of failure."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from host.deadline import Deadline
from host.errors import FlashFailure, HostFailure, NightjarError
from host.tools import Overdue, run_leashed


@dataclass(frozen=True)
class Symptom:
    """What a tool says when something is wrong, what that is, and what to do."""

    pattern: str  # of `re`, in any case of letters
    kind: type[NightjarError]
    what: str
    next_step: str


NO_PROBE = (
    "check the USB cable and the board's power; `nightjar doctor` shows the probes and your rights"
)


def require(program: str, remedy: str) -> None:
    """Refuse to begin without a tool.

    Raises:
        HostFailure: it is not on PATH; `remedy` says how one gets it.
    """
    if shutil.which(program) is None:
        raise HostFailure(
            f"{program} is not installed", evidence="it is not on PATH", next_step=remedy
        )


def run(command: Sequence[str], deadline: Deadline) -> tuple[int, str]:
    """The exit status of a tool and all that it said.

    Raises:
        HostFailure: it does not start.
        FlashFailure: it did not end before the deadline.
    """
    try:
        return run_leashed(command, deadline)
    except Overdue as late:
        raise FlashFailure(
            f"{command[0]} did not finish before the deadline",
            evidence=last_lines(late.said),
            next_step="power-cycle the board, then try again",
        ) from late


def told(command: Sequence[str], deadline: Deadline, symptoms: Sequence[Symptom]) -> str:
    """All that a tool said that has ended with 0.

    Raises:
        NightjarError: as `run`; or it ended otherwise, and what that is by `failure`.
    """
    code, output = run(command, deadline)
    if code != 0:
        raise failure(command[0], code, output, symptoms)
    return output


def failure(tool: str, code: int, output: str, symptoms: Sequence[Symptom]) -> NightjarError:
    """The error for what a tool said: of the first symptom that fits, else a FlashFailure."""
    known = symptom(output, symptoms)
    if known is not None:
        return known.kind(
            known.what, evidence=f"{tool}: {last_lines(output)}", next_step=known.next_step
        )
    return FlashFailure(
        f"{tool} could not do its work on the board",
        evidence=f"exit status {code}; {last_lines(output)}",
        next_step="power-cycle the board with its switches as told, then try again",
    )


def symptom(output: str, symptoms: Sequence[Symptom]) -> Symptom | None:
    """The first symptom that fits what was said."""
    fitting = (one for one in symptoms if re.search(one.pattern, output, re.IGNORECASE))
    return next(fitting, None)


def last_lines(output: str, most: int = 6) -> str:
    """The end of what a tool said, on one line."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", output) if line.strip()]
    return " | ".join(lines[-most:]) or "it printed nothing"
