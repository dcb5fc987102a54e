"""The process of pytest that `nightjar hil` starts: how it is called, ended at a deadline, and what its end means."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from host.compare.proof import Proof
    from host.deadline import Deadline

_PATIENCE = 20.0  # seconds that an interrupted pytest has for ending its board
_HASTE = 5.0  # the same where the time is over
_SLACK = 3.0  # seconds that pytest has beyond a deadline that it knows, to say what it cut short
# Exit codes of pytest: of a session that ended by itself, of an internal error, of bad usage.
ORDERLY, _INTERNAL, _USAGE = (0, 1, 5), 3, 4
_SIGNALLED = 128  # the shell before it ends with this and the number of the signal that ended it


def suite() -> list[str]:
    """What pytest is told first: the suite, and in an installed package, which may be read only, a configuration.

    There the configuration of whoever calls would hold for a suite that is not theirs, or none would.
    """
    from host.installed import IS_CHECKOUT, ROOT, SUITE

    if IS_CHECKOUT:
        return [str(SUITE)]
    alone = ["-c", os.devnull, "--rootdir", str(ROOT), "-p", "no:cacheprovider"]
    return [str(SUITE), *alone, "-o", "timeout=600"]


def check_usage(ended: int | None, proof: "Proof | None") -> None:
    """What pytest did not take is bad usage, where it has judged nothing."""
    from host.errors import BadInput

    if proof is None and ended == _USAGE:
        raise BadInput(
            "pytest does not take these arguments",
            evidence=f"Received: its exit code {ended}; what it said is above",
            next_step="check what was given behind `--`",
        )


def how(ended: int | None) -> str:
    """How pytest ended, where that is why something is missing."""
    if ended is None:
        return "pytest was ended at the deadline"
    if ended < 0 or ended > _SIGNALLED:
        number = -ended if ended < 0 else ended - _SIGNALLED
        return f"pytest was ended by {signal.Signals(number).name}"
    if ended == _INTERNAL:
        return "pytest met an internal error; what it said is above"
    return f"pytest ended with its code {ended}"


def run_pytest(line: Sequence[str], limit: "Deadline", *, quiet: bool) -> int | None:
    """Run pytest: its exit code, or None when it was ended at the deadline.

    Whatever ends this command ends pytest first, which ends its board. With `quiet`, what it prints goes to standard
    error.
    """
    from host.boards.lent import lent_handles
    from host.tools import leashed

    # A group of its own, so that it is interrupted once: by us, whether a key or `kill` interrupts us.
    # If we are killed, the kernel interrupts it.
    with subprocess.Popen(
        leashed(line, "INT"),
        stdout=sys.stderr if quiet else None,
        process_group=0,
        pass_fds=lent_handles(),
    ) as process:
        try:
            return process.wait(limit.remaining + _SLACK)
        except subprocess.TimeoutExpired:
            _end(process, _HASTE)
            return None
        except KeyboardInterrupt:
            _end(process, _PATIENCE)
            raise


def _end(process: "subprocess.Popen[bytes]", patience: float) -> None:
    _signal(process, signal.SIGINT)
    _signal(process, signal.SIGCONT)  # it may have been stopped
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        _signal(process, signal.SIGKILL)


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    """To its whole group: the process itself is the shell before pytest."""
    if process.poll() is None:
        os.killpg(process.pid, number)
