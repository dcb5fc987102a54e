"""The bench's power commands: shell lines that switch a board off and on."""

import time

from host.boards.bench_file import Power
from host.deadline import Deadline
from host.errors import BoardFailure
from host.tools import Overdue, run_leashed

_OFF = 2.0  # seconds without power: what a board's capacitors need


def can_cycle(power: Power) -> bool:
    """Whether its power can be taken and given again."""
    return power.cycle is not None or (power.off is not None and power.on is not None)


def cycle(power: Power, deadline: Deadline) -> None:
    """Take the power of a board and give it again.

    Raises:
        BoardFailure: a command failed, or did not end before the deadline; it was ended.
        HostFailure: there is no shell.
    """
    if power.cycle is not None:
        _run(power.cycle, deadline)
        return
    assert power.off is not None
    assert power.on is not None
    try:
        _run(power.off, deadline)
        time.sleep(_OFF)
    finally:
        _run(power.on, deadline)  # whatever went wrong: without power nobody can look at it


def _run(line: str, deadline: Deadline) -> None:
    try:
        code, said = run_leashed(["sh", "-c", line], deadline)
    except Overdue as late:
        raise _failed(line, "it did not end in time", late.said) from late
    if code != 0:
        raise _failed(line, f"exit status {code}", said)


def _failed(line: str, how: str, said: str) -> BoardFailure:
    last = said.strip().splitlines()[-3:]
    return BoardFailure(
        f"a power command of the bench failed: {how}",
        evidence=f"Received: `{line}`: {' | '.join(last) or 'it printed nothing'}",
        next_step="try that line in a shell, and mend `power` in bench.toml",
    )
