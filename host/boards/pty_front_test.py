"""A real pty, the native firmware behind it, and a client at the right and at a wrong speed."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.boards import board_status, end_board, keep_board, open_board
from host.boards.folder import private_folder
from host.boards.native import NativeBoard
from host.boards.process import FRONT, ended_within, marked
from host.boards.pty_front import PtyFront
from host.boards.virtual_n6.build import find
from host.deadline import Deadline
from host.errors import BoardFailure, LinkFailure, NightjarError
from host.link.baud import explain_speed
from host.link.client import Client
from host.link.frames import Frame, FrameType, StreamDecoder
from host.link.messages import Mode, Stages, What
from host.link.serial_url import SerialUrl
from host.link.testing_firmware import WIDE_BYTES, build_firmware, can_build, wide_output

pytestmark = pytest.mark.skipif(not can_build("native"), reason="gcc is not installed")
BAUD = 921600


def soon(seconds: float = 20) -> Deadline:
    return Deadline.after(seconds)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[NativeBoard]:
    with open_board("native", root=tmp_path) as opened:
        assert isinstance(opened, NativeBoard)
        opened.flash(build_firmware("wide", "native"), soon())
        yield opened


@pytest.fixture
def front(board: NativeBoard) -> Iterator[PtyFront]:
    with PtyFront(board._folder / "link.sock", BAUD) as made:
        yield made


def session(path: str, times: int = 1) -> None:
    port = SerialUrl(path, BAUD)
    try:
        client = Client(port)
        assert client.hello(soon()).backend == "wide"
        for number in range(times):
            data = bytes((i * 7 + number) & 0xFF for i in range(WIDE_BYTES))
            client.load_input(0, data, soon())
            client.run(Stages.MODEL, mode=Mode.TAPPED, deadline=soon())
            assert client.read(What.TAP, 0, 0, WIDE_BYTES, soon()) == wide_output(data)
        assert client.stats.crc_errors == client.stats.gaps == client.stats.noise_bytes == 0
    finally:
        port.close()


def test_nothing_is_lost_at_the_right_speed(front: PtyFront) -> None:
    session(front.path, times=5)


def test_the_board_is_free_while_nobody_has_the_port_open(
    board: NativeBoard, front: PtyFront
) -> None:
    for _ in range(2):
        session(front.path)
        transport = board.connect(soon())
        assert Client(transport).hello(soon()).backend == "wide"
        transport.close()


@pytest.mark.parametrize("baud", [115200, 1_000_000])
def test_a_wrong_speed_is_said_with_the_right_one(front: PtyFront, baud: int) -> None:
    error = silence(front.path, baud)
    found = explain_speed(error, front.path, baud)
    assert type(found) is LinkFailure
    assert found.what == f"the board answers at {BAUD} baud, and not at {baud}"
    assert error.what in found.evidence
    assert str(BAUD) in found.next_step
    session(front.path)  # what it has heard meanwhile does no harm


@pytest.mark.parametrize(("baud", "legible"), [(BAUD, True), (2_000_000, False), (57600, False)])
def test_what_the_board_sends_is_garbage_at_a_wrong_speed(
    board: NativeBoard, baud: int, legible: bool
) -> None:
    """Its greeting, which it sends to whoever connects first."""
    board.reset(soon())
    with PtyFront(board._folder / "link.sock", BAUD) as front:
        port = SerialUrl(front.path, baud)
        said = port.read(soon(5))
        port.close()
    assert said
    frames = [one for one in StreamDecoder().feed(said) if isinstance(one, Frame)]
    assert [frame.type for frame in frames] == [FrameType.EVENT] * legible


def silence(path: str, baud: int) -> NightjarError:
    port = SerialUrl(path, baud)
    try:
        with pytest.raises(NightjarError) as caught:
            Client(port).hello(soon(1))
    finally:
        port.close()
    return caught.value


def test_a_board_that_is_dead_at_every_speed_stays_what_it_is(tmp_path: Path) -> None:
    with PtyFront(tmp_path / "nobody.sock", BAUD) as front:
        error = silence(front.path, 115200)
        assert isinstance(error, BoardFailure)
        assert explain_speed(error, front.path, 115200) is error


def test_a_failure_that_no_speed_explains_asks_nobody() -> None:
    error = BoardFailure("the serial port has vanished")
    assert explain_speed(error, "/nonexistent/tty", 115200) is error


def test_a_board_that_is_flashed_later_answers(tmp_path: Path) -> None:
    """The port is there before its firmware, and outlives a reset."""
    with open_board("native", root=tmp_path) as board:
        assert isinstance(board, NativeBoard)
        with PtyFront(board._folder / "link.sock", BAUD) as front:
            port = SerialUrl(front.path, BAUD)
            port.write(b"lost", soon())
            board.flash(build_firmware("wide", "native"), soon())
            client = Client(port)
            first = client.hello(soon())
            board.reset(soon())
            port.close()
            port = SerialUrl(front.path, BAUD)
            assert Client(port).hello(soon()).boot != first.boot
            port.close()


def test_a_front_ends_at_once_whoever_has_it_open(board: NativeBoard) -> None:
    with PtyFront(board._folder / "link.sock", BAUD) as front:
        handle = os.open(front.path, os.O_RDWR | os.O_NOCTTY)
        time.sleep(0.1)
    os.close(handle)
    assert not [one for one in threading.enumerate() if one.name.endswith("(_serve)")]


@pytest.mark.skipif(find() is None, reason="make n6-virtual")
def test_a_kept_virtual_n6_has_a_port_as_long_as_it_lives(tmp_path: Path) -> None:
    root = private_folder(tmp_path / "boards", make=True)
    record, _ = keep_board("n6-virtual", root=root)
    try:
        assert record.port is not None
        assert record.port.resolve().is_char_device()
        (front,) = marked(record.folder, FRONT)
        found = board_status("n6-virtual", root=root).record
        assert found is not None
        assert found.port == record.port
    finally:
        assert end_board("n6-virtual", root=root)
    assert ended_within(front.pid, soon())
    assert board_status("n6-virtual", root=root).lost == ()


@pytest.mark.skipif(find() is None, reason="make n6-virtual")
def test_the_front_of_a_kept_one_that_dies_ends_by_itself(tmp_path: Path) -> None:
    root = private_folder(tmp_path / "boards", make=True)
    record, _ = keep_board("n6-virtual", root=root)
    try:
        (front,) = marked(record.folder, FRONT)
        assert record.process is not None
        os.kill(record.process.pid, 9)
        assert ended_within(front.pid, soon(60))
    finally:
        end_board("n6-virtual", root=root)
