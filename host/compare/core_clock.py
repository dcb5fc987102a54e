"""How fast the core of a board is, by this host's clock: what its counter counts in a loop that is timed from here.

What HELLO says of clocks is computed from the chip's registers by firmware that believes them. Another quartz, a PLL
that gives something else, or a counter that counts something else shows here alone.
"""

from typing import Protocol

from host.deadline import Deadline
from host.errors import FirmwareFailure
from host.link.client import Spin
from host.link.messages import MAX_SPINS
from host.report.verdict import MeasuredClock

# The chip's RC oscillator may be off by 3 % over temperature; what is wrong in a clock tree is wrong by more.
TOLERANCE = 0.05
_TIMES = 3
_TRIAL = 1 << 14  # rounds of the loop whose cost tells how many are needed
_SECONDS = 0.25  # of a timed loop, if HELLO is right: hundreds of round trips
_LIKELY = 600_000_000  # Hz, where it says none


class Spins(Protocol):
    """What can be asked for a loop: a client."""

    def spin(self, loops: int, deadline: Deadline) -> Spin: ...


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


def measure(board: Spins, said: int, deadline: Deadline) -> MeasuredClock | None:
    """Time the core's counter.

    Args:
        said: Hz that the board says; decides only how long the loop lasts.

    Returns: None where the link lost a frame each time, or the counter stands still.
    """
    idle = [one.seconds for one in (board.spin(0, deadline) for _ in range(_TIMES + 1))]
    delays = [seconds for seconds in idle if seconds is not None]
    round_cost = board.spin(_TRIAL, deadline).cost / _TRIAL
    if not round_cost or not delays:
        return None
    loops = max(_TRIAL, min(MAX_SPINS, int((said or _LIKELY) * _SECONDS / round_cost)))
    timed = [
        (one.seconds, one.cost)
        for one in (board.spin(loops, deadline) for _ in range(_TIMES))
        if one.seconds is not None and one.seconds > max(delays)
    ]
    if not timed:
        return None
    seconds, cost = min(timed)
    # The delay of the timed one is not known: it lies between none at all and the longest that was seen.
    return MeasuredClock(
        hz=cost / (seconds - min(delays)), least=cost / seconds, most=cost / (seconds - max(delays))
    )
