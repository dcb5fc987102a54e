"""A measured clock, against boards whose true clock and whose delays are known."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.compare.core_clock import check_clock, measure
from host.deadline import Deadline
from host.errors import FirmwareFailure, LinkFailure
from host.link.client import Spin
from host.link.messages import MAX_SPINS
from host.report.verdict import MeasuredClock

ROUND = 3  # cycles of a round of the loop
CALL = 11  # cycles around it


@dataclass
class Board:
    """A core of `hz` behind a link with these delays, in seconds; None: a frame was lost."""

    hz: float
    delays: Iterator[float | None]
    counts: bool = True
    asked: list[int] = field(default_factory=list)

    def spin(self, loops: int, deadline: Deadline, lasts: float = 0.0) -> Spin:
        assert 0 <= loops <= MAX_SPINS
        self.asked.append(loops)
        cost, delay = CALL + ROUND * loops, next(self.delays)
        seconds = None if delay is None else cost / self.hz + delay
        return Spin(cost if self.counts else 0, seconds)


def repeated(*delays: float | None) -> Iterator[float | None]:
    while True:
        yield from delays


def measured(board: Board, said: int = 600_000_000) -> MeasuredClock:
    return measure(board, said, Deadline.after(60))


@given(st.floats(30e6, 900e6), st.floats(1e-6, 3e-3))
def test_the_true_clock_lies_between_the_bounds(hz: float, delay: float) -> None:
    clock = measured(Board(hz, repeated(delay)))
    assert clock.least <= hz * (1 + 1e-9)
    assert hz <= clock.most * (1 + 1e-9)
    assert clock.least <= clock.hz <= clock.most


def test_a_millisecond_of_delay_leaves_less_than_a_percent() -> None:
    clock = measured(Board(600e6, repeated(0.001, 0.002, 0.0015)))
    assert clock.hz == pytest.approx(600e6, rel=0.005)
    assert clock.most - clock.least < 0.01 * 600e6


def test_a_core_on_its_oscillator_is_found_out() -> None:
    """The PLL was never switched to: 64 MHz where the registers were taken for 600."""
    clock = measured(Board(64e6, repeated(0.001)))
    with pytest.raises(FirmwareFailure, match="does not run at the clock") as failure:
        check_clock(clock, 600_000_000)
    assert "HELLO says 600 MHz; by this host's time it counts 64" in str(failure.value)
    check_clock(clock, 64_000_000)
    with pytest.raises(FirmwareFailure, match="does not run at the clock"):
        check_clock(clock, 0)


@pytest.mark.parametrize("late", range(10))
@pytest.mark.parametrize("hiccup", [0.05, 0.33, 0.6])
def test_one_late_answer_hides_no_wrong_clock(late: int, hiccup: float) -> None:
    delays = [0.001] * 60
    delays[late] = hiccup
    clock = measured(Board(200e6, iter(delays)))
    with pytest.raises(FirmwareFailure, match="does not run at the clock"):
        check_clock(clock, 600_000_000)
    check_clock(measured(Board(600e6, iter(delays))), 600_000_000)


@pytest.mark.parametrize(
    ("off", "right"), [(0.97, True), (1.03, True), (0.90, False), (1.1, False)]
)
def test_an_oscillator_may_be_off_by_three_percent(off: float, right: bool) -> None:
    clock = measured(Board(600e6 * off, repeated(0.001)))
    if right:
        check_clock(clock, 600_000_000)
    else:
        with pytest.raises(FirmwareFailure):
            check_clock(clock, 600_000_000)


def test_lost_frames_cost_only_what_they_spoil() -> None:
    clock = measured(Board(600e6, repeated(0.001, 0.001, None)))
    assert clock.hz == pytest.approx(600e6, rel=0.01)


@pytest.mark.parametrize("delays", [(None,), (0.2,), (0.001, 0.3)])
def test_what_cannot_be_timed_is_the_link_s_failure_and_no_pass(
    delays: tuple[float | None, ...],
) -> None:
    with pytest.raises(LinkFailure, match="too slow or too bad to time"):
        measured(Board(600e6, repeated(*delays)))


def test_a_counter_that_stands_still_is_found() -> None:
    with pytest.raises(FirmwareFailure, match="stands still"):
        measured(Board(600e6, repeated(0.001), counts=False))


def test_the_loop_is_never_longer_than_a_board_takes() -> None:
    board = Board(1e9, repeated(1e-6))
    measured(board, 2**32 - 1)
    assert max(board.asked) == MAX_SPINS
    measured(Board(600e6, repeated(0.0001)), 0)
