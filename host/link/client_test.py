"""The client against the real firmware as a process of this computer: right values, and the class of each failure."""

import os
import re
import signal
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from host.boards import open_board
from host.boards.native import NativeBoard
from host.deadline import Deadline
from host.errors import BoardFailure, FirmwareFailure, IdentityFailure, LinkFailure
from host.link.client import Client
from host.link.exchange import Refused
from host.link.frames import DELIMITER, Frame, FrameType, encode
from host.link.messages import (
    ErrorCode,
    Mode,
    Stages,
    What,
    digests_request,
    reset_request,
)
from host.link.registers import FirmwareFault
from host.link.testing_firmware import (
    TINY,
    TINY_COMMAND,
    WIDE_BYTES,
    build_firmware,
    can_build,
    tiny_output,
    wide_output,
)
from host.link.transport import Transport
from host.link.unix_stream import UnixStream

pytestmark = pytest.mark.skipif(not can_build("native"), reason="gcc is not installed")


@pytest.fixture(scope="module")
def elf() -> Path:
    return build_firmware("tiny", "native")


@pytest.fixture
def board(elf: Path, tmp_path: Path) -> Iterator[NativeBoard]:
    with open_board("native", root=tmp_path) as opened:
        assert isinstance(opened, NativeBoard)
        opened.flash(elf, soon())
        yield opened


@pytest.fixture
def transport(board: NativeBoard) -> Iterator[Transport]:
    opened = board.connect(soon())
    yield opened
    opened.close()


@pytest.fixture
def client(transport: Transport) -> Client:
    made = Client(transport)
    made.hello(soon())
    return made


def soon(seconds: float = 5) -> Deadline:
    return Deadline.after(seconds)


def command(name: str, number: int = 0) -> bytes:
    """Input 0 that makes the tiny model misbehave."""
    found = re.search(rf"NJ_TINY_{name} = (\d+)", (TINY / "nj_tiny.h").read_text())
    assert found is not None
    return struct.pack("<BBxxI8x", TINY_COMMAND, int(found[1]), number)


def load(client: Client, first: bytes, second: bytes = b"\x01\x02\x03\x04\x05") -> None:
    client.load_input(0, first, soon())
    client.load_input(1, second, soon())


def test_a_session_gives_right_values(client: Client) -> None:
    first, second = bytes(range(100, 116)), b"\xff\x00\x7f\x80\x01"
    want = tiny_output(first, second)
    load(client, first, second)
    result = client.run(Stages.MODEL, times=5, mode=Mode.TAPPED, deadline=soon())
    assert (result.runs, result.differing, result.output) == (5, 0, zlib.crc32(want[:4]))
    digests = client.digests(soon())
    assert digests.input == zlib.crc32(first + second)
    assert (digests.output, digests.taps[2]) == (zlib.crc32(want[:4]), zlib.crc32(want))
    assert client.read(What.TAP, 2, 0, 16, soon()) == want
    assert client.read(What.TAP, 2, 5, 3, soon()) == want[5:8]
    assert client.read(What.OUTPUT, 0, 0, 4, soon()) == want[:4]
    assert client.read(What.OUTPUT, 0, 0, 0, soon()) == b""
    client.run(Stages.MODEL, mode=Mode.STEPS, deadline=soon())
    assert client.cost(soon()).steps == (0, 0, 0)
    assert client.stats.clean


def test_a_chunk_goes_through_the_frontend(client: Client) -> None:
    chunk = np.arange(-1600, 1600, 100, dtype=np.int16)
    client.load_chunk(chunk, soon())
    client.run(Stages.BOTH, mode=Mode.TAPPED, deadline=soon())
    features = (chunk.reshape(8, 4).sum(axis=1) / 32768).astype("<f4").tobytes()
    assert client.digests(soon()).features == zlib.crc32(features)
    assert client.read(What.FEATURES, 0, 0, 32, soon()) == features


def test_many_pieces_each_way(tmp_path: Path) -> None:
    data = np.random.default_rng(1).bytes(WIDE_BYTES)
    with open_board("native", root=tmp_path) as board:
        board.flash(build_firmware("wide", "native"), soon())
        transport = board.connect(soon())
        client = Client(transport)
        client.hello(soon())
        client.load_input(0, data, soon())
        client.run(Stages.MODEL, mode=Mode.TAPPED, deadline=soon())
        want = wide_output(data)
        assert client.digests(soon()).taps == (zlib.crc32(want),)
        assert client.read(What.TAP, 0, 0, WIDE_BYTES, soon()) == want
        assert client.read(What.TAP, 0, 1000, 3001, soon()) == want[1000:4001]
        transport.close()


def test_runs_that_differ_are_counted(client: Client) -> None:
    load(client, command("DRIFT"))
    assert client.run(Stages.MODEL, times=4, deadline=soon()).differing == 3


def test_what_the_firmware_prints_is_kept(client: Client) -> None:
    load(client, command("PRINT"))
    client.run(Stages.MODEL, deadline=soon())
    assert client.logs == ["tiny says hello"]


def test_a_busy_board_is_not_a_dead_one(client: Client) -> None:
    """Repeats of the request queue up during the run; none of them runs again or is taken for another answer."""
    load(client, command("LOOP", 500_000_000))
    started = time.monotonic()
    client.run(Stages.MODEL, deadline=soon(60))
    if time.monotonic() - started > 0.1:
        assert client.stats.retries > 0
    first = bytes(16)
    load(client, first)
    result = client.run(Stages.MODEL, mode=Mode.TAPPED, deadline=soon())
    assert result.output == zlib.crc32(tiny_output(first, b"\x01\x02\x03\x04\x05")[:4])


def test_a_hang_is_the_firmwares(client: Client) -> None:
    load(client, command("HANG"))
    started = time.monotonic()
    with pytest.raises(FirmwareFailure, match="no answer from the firmware to RUN") as failure:
        client.run(Stages.MODEL, deadline=soon(0.6))
    assert 0.5 < time.monotonic() - started < 1.2
    assert "attempts" in failure.value.evidence


def test_a_fault_names_cause_and_line(client: Client, board: NativeBoard, elf: Path) -> None:
    load(client, command("UNDEFINED"))
    with pytest.raises(FirmwareFault) as failure:
        client.run(Stages.MODEL, deadline=soon())
    assert "UNDEFINSTR" in failure.value.evidence
    symbolized = failure.value.symbolized(lambda pc: board.symbolize(elf, pc))
    assert re.search(r"PC 0x[0-9a-f]{8} \(\S*nj_model\.c:\d+ \(misbehave\)\)", symbolized.evidence)


def test_refusals_say_why(client: Client) -> None:
    with pytest.raises(Refused, match="RUN: nothing loaded") as failure:
        client.run(Stages.MODEL, deadline=soon())
    assert failure.value.response.code == ErrorCode.NOTHING_LOADED
    with pytest.raises(Refused, match="LOAD: bad argument"):
        client.load_input(0, b"too short", soon())
    load(client, bytes(16))
    client.run(Stages.MODEL, deadline=soon())
    with pytest.raises(Refused, match="READ: bad argument"):
        client.read(What.TAP, 2, 0, 17, soon())


def test_reset_begins_anew(client: Client, transport: Transport) -> None:
    load(client, bytes(16))
    client.reset(soon())
    assert client.hello(soon()).reset_cause == 1
    with pytest.raises(Refused, match="nothing loaded"):
        client.run(Stages.MODEL, deadline=soon())
    assert client.stats.gaps == 0


def test_an_unexpected_boot_is_the_boards(client: Client, transport: Transport) -> None:
    transport.write(encode(Frame(FrameType.REQUEST, 0, 1, reset_request())), soon())
    with pytest.raises(BoardFailure, match=r"rebooted by itself \(reset cause: requested\)"):
        client.digests(soon())


def test_a_boot_whose_event_was_lost_is_the_boards(client: Client, transport: Transport) -> None:
    """What was loaded is gone: the client asks who is there, and finds another boot."""
    load(client, bytes(16))
    transport.write(encode(Frame(FrameType.REQUEST, 0, 1, reset_request())), soon())
    seen = b""
    while seen.count(DELIMITER) < 4:
        seen += transport.read(soon())
    # The frame counter alone would say it; hide that as well.
    client._exchange.restarted()
    with pytest.raises(BoardFailure, match="rebooted by itself"):
        client.run(Stages.MODEL, deadline=soon())


def test_a_frame_counter_that_starts_again_is_a_boot(client: Client, transport: Transport) -> None:
    for _ in range(20):
        client.digests(soon())
    transport.write(encode(Frame(FrameType.REQUEST, 0, 1, reset_request())), soon())
    seen = b""
    while seen.count(DELIMITER) < 4:
        seen += transport.read(soon())
    with pytest.raises(BoardFailure, match="rebooted by itself") as failure:
        client.digests(soon())
    assert "sequence" in failure.value.evidence


def test_stale_answers_are_thrown_away(client: Client, transport: Transport) -> None:
    for request in range(5):
        frame = Frame(FrameType.REQUEST, 0, request, digests_request(0, 3))
        transport.write(encode(frame), soon())
    second = Client(transport)
    assert second.hello(soon()).backend == "tiny"
    assert second.digests(soon()).taps == (0, 0, 0)


def test_a_stopped_process_is_no_answer_and_then_silence(
    client: Client, board: NativeBoard, transport: Transport
) -> None:
    assert board._process is not None
    os.kill(board._process.pid, signal.SIGSTOP)
    with pytest.raises(FirmwareFailure, match="no answer"):
        client.digests(soon(0.3))
    with pytest.raises(BoardFailure, match="the board is silent"):
        Client(transport).hello(soon(0.3))


def test_a_killed_process_is_the_boards_at_once(client: Client, board: NativeBoard) -> None:
    assert board._process is not None
    os.kill(board._process.pid, signal.SIGKILL)
    started = time.monotonic()
    with pytest.raises(BoardFailure, match="ended"):
        client.digests(soon(10))
    assert time.monotonic() - started < 2


def _talking_to(answer: bytes) -> tuple[Client, socket.socket]:
    ours, theirs = socket.socketpair()
    client = Client(UnixStream(ours))
    client._exchange.drain()
    theirs.sendall(answer)
    return client, theirs


def _hello(client: Client) -> None:
    # Not through hello(), which throws away what came before it.
    client._exchange.drain = lambda: None  # type: ignore[method-assign]
    client.hello(soon(0.3))


def test_text_without_frames_is_the_links_and_is_quoted() -> None:
    client, _peer = _talking_to(b"U-Boot 2026.01, at another speed\r\n")
    with pytest.raises(LinkFailure, match="but no frame") as failure:
        _hello(client)
    assert "U-Boot" in failure.value.evidence


def test_garbage_is_the_links() -> None:
    client, _peer = _talking_to(b"\x00" + b"\xfe\x81\x93" * 20 + b"\x00")
    with pytest.raises(LinkFailure, match="lost or damaged"):
        _hello(client)


def test_another_version_of_the_frames_is_identity() -> None:
    client, _peer = _talking_to(encode(Frame(FrameType.LOG, 0, 0, b"hi", version=2)))
    with pytest.raises(IdentityFailure, match="another version"):
        _hello(client)


def test_a_closed_connection_is_the_boards() -> None:
    client, peer = _talking_to(b"")
    peer.close()
    with pytest.raises(BoardFailure, match="closed the connection"):
        _hello(client)
