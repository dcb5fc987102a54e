"""How fast the core of a board is, by this host's clock: what its counter counts in a loop that is timed from here.

What HELLO says of clocks is computed from the chip's registers by firmware that believes them. Another quartz, a PLL
that gives something else, or a counter that counts something else shows here alone.
"""

from typing import Protocol

from host.deadline import Deadline
from host.errors import FirmwareFailure, LinkFailure
from host.link.client import Spin
from host.link.messages import MAX_SPINS
from host.report.verdict import MeasuredClock

# The chip's RC oscillator may be off by 3 % over temperature; what is wrong in a clock tree is wrong by more.
TOLERANCE = 0.05
_TIMES = 3
_ROUNDS = 3
_TIGHT = 0.1  # between the bounds: beyond, they say nothing
_TRIAL = 1 << 14  # rounds of the loop whose cost tells how many are needed
_SECONDS = 0.25  # of a timed loop, if HELLO is right: hundreds of round trips
_LIKELY = 600_000_000  # Hz, where it says none


class Spins(Protocol):
    """What can be asked for a loop: a client."""

    def spin(self, loops: int, deadline: Deadline, lasts: float = 0.0) -> Spin: ...


def check_clock(measured: MeasuredClock, said: int) -> None:
    """Hold a measured clock against the one that the board says.

    Raises:
        FirmwareFailure: they are further apart than the link's delays and an oscillator without a quartz explain.
    """
    least, most = measured.least * (1 - TOLERANCE), measured.most * (1 + TOLERANCE)
    if least <= said <= most:
        return
    raise FirmwareFailure(
        "the core's counter does not run at the clock that the board says",
        evidence=f"HELLO says {said / 1e6:g} MHz; by this host's time it counts"
        f" {measured.hz / 1e6:.4g} million a second,"
        f" {measured.least / 1e6:.4g} at least and {measured.most / 1e6:.4g} at most",
        next_step="see what the PLL, its source and the core's divider give (nj_clock.c),"
        " and what the counter counts (nj_cost.c)",
    )


def measure(board: Spins, said: int, deadline: Deadline) -> MeasuredClock:
    """Time the core's counter.

    Args:
        said: Hz that the board says; decides only how long the loop lasts.

    Raises:
        FirmwareFailure: the counter stands still.
        LinkFailure: frames were lost or late each time, so that nothing can be said of the clock.
    """
    cost = board.spin(_TRIAL, deadline).cost / _TRIAL
    if not cost:
        raise FirmwareFailure(
            "the core's counter stands still",
            evidence=f"a loop of {_TRIAL:,} rounds cost nothing",
            next_step="enable the cycle counter before it is read (nj_cost.c): trace, counter, control",
        )
    loops = max(_TRIAL, min(MAX_SPINS, int((said or _LIKELY) * _SECONDS / cost)))
    seen = []
    for _ in range(_ROUNDS):
        found = _timed(board, loops, deadline)
        seen.append(found)
        if found is not None and found.most <= found.least * (1 + _TIGHT):
            return found
    raise LinkFailure(
        "the link is too slow or too bad to time the core's clock: nothing says what its cycles last",
        evidence="; ".join(
            "frames were lost"
            if one is None
            else f"{one.least / 1e6:.4g} to {one.most / 1e6:.4g} million cycles a second"
            for one in seen
        ),
        next_step="see what else uses the link or this computer, then run again",
    )


def _timed(board: Spins, loops: int, deadline: Deadline) -> MeasuredClock | None:
    """One round; None where too many frames were lost in it."""
    idle = [one.seconds for one in (board.spin(0, deadline) for _ in range(_TIMES + 2))]
    delays = sorted(seconds for seconds in idle if seconds is not None)
    timed = [
        (one.seconds, one.cost)
        for one in (board.spin(loops, deadline, _SECONDS) for _ in range(_TIMES))
        if one.seconds is not None
    ]
    if len(delays) < _TIMES or not timed:
        return None
    # A single late answer, as of a busy computer, says nothing about the others: the one in the middle does.
    usual = delays[len(delays) // 2]
    seconds, cost = min(timed)
    if seconds <= usual:
        return None
    return MeasuredClock(
        hz=cost / (seconds - delays[0]), least=cost / seconds, most=cost / (seconds - usual)
    )
