"""The client against the real firmware as a process of this computer: right values, and the class of each failure."""

import os
import re
import signal
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import cbor2
import numpy as np
import pytest

from host.boards import open_board
from host.boards.native import NativeBoard
from host.deadline import Deadline
from host.errors import BoardFailure, IdentityFailure, LinkFailure, NightjarError
from host.link.attempts import Mute, Silence
from host.link.client import Client
from host.link.exchange import Refused
from host.link.frames import DELIMITER, VERSION, Frame, FrameType, encode
from host.link.messages import (
    PROTOCOL,
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
    assert client.stats.crc_errors == client.stats.gaps == 0  # a busy computer may be asked again


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


def test_a_hang_is_a_silence_that_only_the_board_can_explain(client: Client) -> None:
    load(client, command("HANG"))
    started = time.monotonic()
    with pytest.raises(Silence, match="no answer to RUN") as failure:
        client.run(Stages.MODEL, deadline=soon(0.6))
    assert time.monotonic() - started > 0.5
    assert failure.value.failure_class == "LINK"
    assert re.search(r"\d+ attempts", failure.value.evidence)


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


def reset_behind_its_back(client: Client, transport: Transport) -> None:
    exchange = client._exchange
    payload = reset_request(exchange.greeted.nonce)
    transport.write(encode(Frame(FrameType.REQUEST, 0, exchange.next_request(), payload)), soon())


def test_an_unexpected_boot_is_the_boards(client: Client, transport: Transport) -> None:
    reset_behind_its_back(client, transport)
    with pytest.raises(BoardFailure, match=r"rebooted by itself \(reset cause: requested\)"):
        client.digests(soon())


def test_a_boot_whose_event_was_lost_is_the_boards(client: Client, transport: Transport) -> None:
    """It knows of no session: the client asks who is there, and finds another boot."""
    for ask in (client.digests, client.cost, lambda deadline: load(client, bytes(16))):
        reset_behind_its_back(client, transport)
        seen = b""
        while seen.count(DELIMITER) < 4:
            seen += transport.read(soon())
        with pytest.raises(BoardFailure, match="rebooted by itself"):
            ask(soon())
        client.hello(soon())


def test_a_boot_event_that_comes_twice_is_one_boot(board: NativeBoard) -> None:
    """Told from another boot by its number, before and after HELLO."""
    spoiled = Spoiled(board.connect(soon()))
    client = Client(spoiled)
    boot = client.hello(soon()).boot
    for sequence, number in ((0, boot), (0, boot), (1000, boot), (0, boot ^ 1)):
        payload = bytes(cbor2.dumps([0, number, 0]))
        spoiled.extra = encode(Frame(FrameType.EVENT, sequence, 0, payload))
        if number == boot:
            load(client, bytes(16))
        else:
            with pytest.raises(BoardFailure, match=f"rebooted by itself[^$]*boot {number}"):
                load(client, bytes(16))
    assert client.stats.duplicates >= 2
    spoiled.close()


def test_another_client_takes_the_board_over_and_the_first_is_told(
    client: Client, transport: Transport
) -> None:
    load(client, bytes(16))
    Client(transport).hello(soon())
    with pytest.raises(BoardFailure, match="somebody else has begun a session"):
        client.run(Stages.MODEL, deadline=soon())


def test_a_reset_that_comes_again_is_of_a_session_that_is_over(
    client: Client, transport: Transport
) -> None:
    exchange = client._exchange
    payload = reset_request(exchange.greeted.nonce)
    late = encode(Frame(FrameType.REQUEST, 0, exchange._request % 65535 + 1, payload))
    client.reset(soon())
    boot = client.hello(soon()).boot
    load(client, bytes(16))
    transport.write(late, soon())
    client.run(Stages.MODEL, deadline=soon())
    assert client.hello(soon()).boot == boot


def test_reset_before_hello(transport: Transport) -> None:
    client = Client(transport)
    client.reset(soon())
    assert client.hello(soon()).reset_cause == 1


def test_nothing_else_is_asked_before_hello(transport: Transport) -> None:
    client = Client(transport)
    for ask in (client.digests, client.cost, lambda deadline: load(client, bytes(16))):
        with pytest.raises(ValueError, match="say hello first"):
            ask(soon())


def test_stale_answers_are_thrown_away(client: Client, transport: Transport) -> None:
    exchange = client._exchange
    for _ in range(5):
        payload = digests_request(exchange.greeted.nonce, 0, 3)
        frame = Frame(FrameType.REQUEST, 0, exchange.next_request(), payload)
        transport.write(encode(frame), soon())
    second = Client(transport)
    assert second.hello(soon()).backend == "tiny"
    assert second.digests(soon()).taps == (0, 0, 0)
    assert second.stats.stale == 5


def test_a_stopped_process_is_silent_and_to_a_new_connection_mute(
    client: Client, board: NativeBoard, transport: Transport
) -> None:
    assert board._process is not None
    os.kill(board._process.pid, signal.SIGSTOP)
    with pytest.raises(Silence, match="no answer"):
        client.digests(soon(0.3))
    with pytest.raises(Mute, match="the board is silent") as failure:
        Client(transport).hello(soon(0.3))
    assert failure.value.failure_class == "BOARD"


class Spoiled:
    """A transport that can be cut: then `noise` comes for ever. Before that, `extra` comes once."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.noise: bytes | None = None
        self.extra = b""

    def write(self, data: bytes, deadline: Deadline) -> None:
        if self.noise is None:
            self._transport.write(data, deadline)

    def read(self, deadline: Deadline) -> bytes:
        if self.noise is None:
            extra, self.extra = self.extra, b""
            return extra or self._transport.read(deadline)
        time.sleep(min(0.01, deadline.remaining))
        return self.noise

    def close(self) -> None:
        self._transport.close()


NOISE = {
    "dead": b"",
    "zeros": bytes(64),
    "text": b"oops\r\n",
    "bytes": bytes(range(128, 256)),
    "frames": b"\0\x09\x02\x02\x05\x06\x07\x08\x09\x0a" * 8,
}


@pytest.mark.parametrize("kind", NOISE)
@pytest.mark.parametrize("greeted", [False, True], ids=["before HELLO", "after HELLO"])
def test_what_is_no_frame_is_the_links(board: NativeBoard, kind: str, greeted: bool) -> None:
    """Never the firmware's.

    Where nothing at all comes, the client says so, and the board can be asked.
    """
    spoiled = Spoiled(board.connect(soon()))
    client = Client(spoiled)
    asks: list[Callable[[Deadline], object]] = [client.hello]
    if greeted:
        client.hello(soon())
        load(client, bytes(16))
        asks += [
            lambda deadline: client.run(Stages.MODEL, deadline=deadline),
            client.digests,
            lambda deadline: client.read(What.TAP, 0, 0, 16, deadline),
            lambda deadline: client.load_input(0, bytes(16), deadline),
        ]
    spoiled.noise = NOISE[kind]
    for ask in reversed(asks):
        started = time.monotonic()
        with pytest.raises(NightjarError) as failure:
            ask(soon(0.2))
        assert time.monotonic() - started < 30  # however busy the machine is
        if kind != "dead":
            assert type(failure.value) is LinkFailure
        else:
            assert type(failure.value) is (Silence if greeted else Mute)
    spoiled.close()


@pytest.mark.parametrize("burst", [b"oops\r\n", b"\0\xfe\x81\x93\xfe\x81\x93\xfe\x81\0", bytes(9)])
def test_a_board_that_falls_silent_after_a_burst_of_noise_can_be_asked(
    board: NativeBoard, burst: bytes
) -> None:
    """What came at first says nothing about the long silence behind it."""
    spoiled = Spoiled(board.connect(soon()))
    client = Client(spoiled)
    client.hello(soon())
    load(client, command("HANG"))
    spoiled.extra = burst
    with pytest.raises(LinkFailure) as failure:
        client.run(Stages.MODEL, deadline=soon(2))
    assert type(failure.value) is Silence
    spoiled.close()


def test_a_killed_process_is_the_boards_at_once(client: Client, board: NativeBoard) -> None:
    assert board._process is not None
    os.kill(board._process.pid, signal.SIGKILL)
    started = time.monotonic()
    with pytest.raises(BoardFailure, match="ended"):
        client.digests(soon(90))
    assert time.monotonic() - started < 60


def _talking_to(answer: bytes) -> tuple[Client, socket.socket]:
    ours, theirs = socket.socketpair()
    theirs.sendall(answer)
    return Client(UnixStream(ours)), theirs


def _hello(client: Client) -> None:
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


@pytest.mark.parametrize(("version", "older"), [(VERSION - 1, "board"), (VERSION + 1, "host")])
def test_another_version_of_the_frames_is_identity(version: int, older: str) -> None:
    client, _peer = _talking_to(encode(Frame(FrameType.LOG, 0, 0, b"hi", version=version)))
    with pytest.raises(IdentityFailure, match=f"the {older} is older"):
        _hello(client)


@pytest.mark.parametrize(("protocol", "older"), [(PROTOCOL - 1, "board"), (PROTOCOL + 1, "host")])
def test_a_hello_of_another_protocol_is_identity(protocol: int, older: str) -> None:
    """Whatever else it says."""
    client, peer = _talking_to(b"")
    payload = bytes(cbor2.dumps([0, protocol, "and so on"]))
    request = client._exchange._request % 65535 + 1
    peer.sendall(encode(Frame(FrameType.RESPONSE, 0, request, payload)))
    with pytest.raises(IdentityFailure, match=f"the {older} is older"):
        _hello(client)


def test_a_closed_connection_is_the_boards() -> None:
    client, peer = _talking_to(b"")
    peer.close()
    with pytest.raises(BoardFailure, match="closed the connection"):
        _hello(client)
