"""Silent boards of every tier: whose fault it is, with the line where the firmware is."""

import os
import re
import shutil
import signal
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.boards import open_board
from host.boards.base import Board
from host.boards.native import NativeBoard
from host.boards.silence import explain_silence
from host.compare.flip import find_symbol, overwrite
from host.deadline import Deadline
from host.errors import BoardFailure, FirmwareFailure, LinkFailure, NightjarError
from host.link.attempts import Mute, Silence
from host.link.client import Client
from host.link.messages import Mode, Stages
from host.link.testing_firmware import TINY, TINY_COMMAND, build_firmware, can_build
from host.link.transport import Transport

TOOLS = {"native": ("gcc",), "virtual": ("qemu-system-arm", "gdb-multiarch", "arm-none-eabi-gcc")}
HERE = {"native": b"\xeb\xfe", "virtual": b"\xfe\xe7"}  # a jump to itself
HANG, LOOP = 9, 10  # nj_tiny.h
MODEL = (TINY / "nj_model.c").read_text().splitlines()


@pytest.fixture(params=["native", "virtual"])
def tier(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if not can_build(name) or any(shutil.which(tool) is None for tool in TOOLS[name]):
        pytest.skip(f"needs {', '.join(TOOLS[name])}")
    return name


@pytest.fixture
def elf(tier: str, tmp_path: Path) -> Path:
    """A copy that may be spoiled."""
    return Path(shutil.copy2(build_firmware("tiny", tier), tmp_path / "nightjar.elf"))


@pytest.fixture
def board(tier: str, tmp_path: Path) -> Iterator[Board]:
    with open_board(tier, root=tmp_path / "boards") as opened:
        yield opened


def soon(seconds: float = 20) -> Deadline:
    return Deadline.after(seconds)


class Line:
    """A transport that can be cut."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.cut = False

    def write(self, data: bytes, deadline: Deadline) -> None:
        if not self.cut:
            self._transport.write(data, deadline)

    def read(self, deadline: Deadline) -> bytes:
        if not self.cut:
            return self._transport.read(deadline)
        time.sleep(deadline.remaining)
        return b""

    def close(self) -> None:
        self._transport.close()


def load(client: Client, how: int, number: int = 0) -> None:
    client.load_input(0, struct.pack("<BBxxI8x", TINY_COMMAND, how, number), soon())
    client.load_input(1, bytes(5), soon())


def lines_with(text: str) -> list[int]:
    return [number for number, line in enumerate(MODEL, 1) if text in line]


def explained(board: Board, elf: Path, line: Line, error: Silence | Mute) -> NightjarError:
    found = explain_silence(error, board, elf, line.close)
    assert error.evidence in found.evidence
    return found


def test_a_hang_is_the_firmwares_with_its_line(board: Board, elf: Path) -> None:
    board.flash(elf, soon())
    line = Line(board.connect(soon()))
    client = Client(line)
    client.hello(soon())
    load(client, HANG)
    with pytest.raises(Silence) as silence:
        client.run(Stages.MODEL, deadline=soon(0.5))
    failure = explained(board, elf, line, silence.value)
    assert type(failure) is FirmwareFailure
    place = re.search(r"no answer to RUN: .*nj_model\.c:(\d+) \(misbehave\)", failure.what)
    assert place is not None, failure.what
    assert int(place[1]) in [at + d for at in lines_with("while (zero == 0)") for d in (0, 1)]
    line.close()


def test_a_line_that_dies_is_the_links_and_the_board_goes_on(board: Board, elf: Path) -> None:
    """Also for the counters of the board: it was stopped, not changed."""
    board.flash(elf, soon())
    line = Line(board.connect(soon()))
    client = Client(line)
    client.hello(soon())
    costs = []
    for _ in range(2):
        load(client, LOOP, 12345)
        client.run(Stages.MODEL, mode=Mode.STEPS, deadline=soon())
        costs.append(client.cost(soon()))
        line.cut = True
        with pytest.raises(Silence) as silence:
            client.digests(soon(0.3))
        line.cut = False
        failure = explained(board, elf, line, silence.value)
        assert type(failure) is LinkFailure
        assert "the firmware waits" in failure.what
    assert costs[0] == costs[1]


def test_a_line_that_was_never_there_is_the_links(board: Board, elf: Path) -> None:
    board.flash(elf, soon())
    line = Line(board.connect(soon()))
    line.cut = True
    with pytest.raises(Mute) as mute:
        Client(line).hello(soon(0.5))
    failure = explained(board, elf, line, mute.value)
    assert type(failure) is LinkFailure
    assert "another connection" in failure.what


def unanswered(client: Client, board: Board, elf: Path, function: str) -> Silence | Mute:
    """What HELLO comes to when the firmware stands still in a function.

    Where the computer is busy, the firmware may not listen yet when HELLO is given up: it is asked
    again until it is there.
    """
    until = soon()
    while True:
        with pytest.raises((Mute, Silence)) as silence:  # one of them has said that it starts
            client.hello(soon(0.5))
        where = board.whereabouts(elf, soon())
        if until.expired or (where is not None and f"({function})" in where.place):
            assert isinstance(silence.value, Mute | Silence)
            return silence.value


@pytest.mark.parametrize("function", ["nj_application", "nj_framer_take"])
def test_firmware_that_never_speaks_is_the_firmwares_with_its_line(
    board: Board, elf: Path, function: str
) -> None:
    """Before it listens, and when the first byte has come."""
    overwrite(elf, find_symbol(elf, function, "STT_FUNC"), HERE[board.name])
    board.flash(elf, soon())
    line = Line(board.connect(soon()))
    failure = explained(board, elf, line, unanswered(Client(line), board, elf, function))
    assert type(failure) is FirmwareFailure
    assert re.search(rf"nj_\w+\.c:\d+ \({function}\)", failure.what), failure.what


def test_firmware_that_is_stopped_is_the_boards(board: Board, elf: Path) -> None:
    """Its process, or that of its QEMU, is not ours to continue."""
    if not isinstance(board, NativeBoard):
        pytest.skip("a QEMU that is stopped has no debugger")
    board.flash(elf, soon())
    line = Line(board.connect(soon()))
    client = Client(line)
    client.hello(soon())
    assert board._process is not None
    os.kill(board._process.pid, signal.SIGSTOP)
    with pytest.raises(Silence) as silence:
        client.digests(soon(0.3))
    failure = explained(board, elf, line, silence.value)
    assert type(failure) is BoardFailure
    assert "not to be found" in failure.what
    assert " T " in Path(f"/proc/{board._process.pid}/stat").read_text()
    line.close()


def test_a_pc_outside_the_code_is_the_boards(board: Board, elf: Path) -> None:
    board.flash(elf, soon())
    line = Line(board.connect(soon()))
    client = Client(line)
    client.hello(soon())
    load(client, HANG)
    with pytest.raises(Silence) as silence:
        client.run(Stages.MODEL, deadline=soon(0.5))
    other = build_firmware("tiny", "virtual" if board.name == "native" else "native")
    failure = explained(board, other, line, silence.value)
    assert type(failure) is BoardFailure
    line.close()
