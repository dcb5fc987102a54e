"""Bits on a line, sampled at another speed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.boards.serial_line import heard


@pytest.mark.parametrize(
    ("data", "sent_at", "read_at", "taken"),
    [
        # Low for two bits of the receiver: its start, and the least bit.
        (b"\xff", 9600, 19200, b"\xfe"),
        # Low for eighteen: start and data, and no stop; nothing falls behind it.
        (b"\x00", 9600, 19200, b"\x00"),
        # Low for half a bit: no start.
        (b"\xff", 19200, 9600, b""),
        # Low for four bits and a half: start and three of data; it samples the fourth where it is high again.
        (b"\x00", 19200, 9600, b"\xf8"),
        # Two starts, each a byte of its own.
        (b"\xff\xff", 9600, 19200, b"\xfe\xfe"),
        (b"x", 0, 9600, b""),
        (b"x", 9600, 0, b""),
    ],
)
def test_worked_by_hand(data: bytes, sent_at: int, read_at: int, taken: bytes) -> None:
    assert heard(data, sent_at, read_at) == taken


@given(st.binary(max_size=40), st.floats(0.97, 1.03))
def test_a_small_error_of_the_clocks_does_no_harm(data: bytes, error: float) -> None:
    assert heard(data, 921600, 921600 * error) == data


@given(st.binary(min_size=20, max_size=200), st.sampled_from([0.125, 0.25, 0.5, 2, 4, 8]))
def test_another_speed_is_garbage_of_bounded_length(data: bytes, ratio: float) -> None:
    taken = heard(data, 921600, 921600 * ratio)
    # A byte takes a fall, and there are five in one at most; it lasts nine bits and a half of the receiver.
    assert len(taken) <= min(5 * len(data), 10 * len(data) * ratio / 9.5 + 1)


def test_a_frame_is_not_recognized_at_any_other_usual_speed() -> None:
    frame = bytes(range(1, 64))
    for other in (9600, 57600, 115200, 230400, 460800, 1_000_000, 2_000_000):
        assert heard(frame, 921600, other) != frame
        assert heard(frame, other, 921600) != frame
