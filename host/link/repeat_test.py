"""A session over a damaged link, repeated with the same seed: the same frames both ways."""

import random
from dataclasses import replace
from pathlib import Path

import cbor2
import pytest

from host.boards import open_board
from host.boards.base import Board
from host.deadline import Deadline
from host.link import exchange
from host.link.client import Client
from host.link.faults import Direction, FaultyTransport
from host.link.frames import Frame, FrameType, StreamDecoder
from host.link.messages import Mode, Stages, What
from host.link.testing_firmware import WIDE_BYTES, build_firmware, can_build, wide_output
from host.link.transport import Transport

pytestmark = pytest.mark.skipif(not can_build("native"), reason="gcc is not installed")
PATIENT = 1.0  # seconds: no answer takes as long, so that only damaged frames are asked for again


class Recorder:
    """What passes a transport; what is read comes in crumbs of at most `most` bytes."""

    def __init__(self, transport: Transport, most: int) -> None:
        self._transport = transport
        self._draw = random.Random(most)
        self._most = most
        self._rest = b""
        self.written = b""
        self.read_bytes = b""

    def write(self, data: bytes, deadline: Deadline) -> None:
        self.written += data
        self._transport.write(data, deadline)

    def read(self, deadline: Deadline) -> bytes:
        data = self._rest or self._transport.read(deadline)
        size = self._draw.randint(1, self._most)
        data, self._rest = data[:size], data[size:]
        self.read_bytes += data
        return data

    def close(self) -> None:
        self._transport.close()

    def frames(self) -> list[object]:
        """What the board sent, but for the number of its boot, which no other boot has."""
        return [
            without_boot(item) if isinstance(item, Frame) else item
            for item in StreamDecoder().feed(self.read_bytes)
        ]


def without_boot(frame: Frame) -> Frame:
    if frame.type == FrameType.EVENT:
        return replace(frame, payload=b"boot")
    if frame.type == FrameType.RESPONSE:
        message = cbor2.loads(frame.payload)
        if message[0] == 0:
            message[3] = 0
            return replace(frame, payload=cbor2.dumps(message))
    return frame


def session(
    board: Board, seed: int, rate: float, direction: Direction, most: int
) -> tuple[bytes, list[object], int]:
    """What the client sent, what the board sent, and how many bytes were damaged."""
    board.reset(Deadline.after(20))
    recorder = Recorder(board.connect(Deadline.after(20)), most)
    faulty = FaultyTransport(recorder, seed=seed, rate=rate, direction=direction)
    client, deadline = Client(faulty, generator=faulty.generator), Deadline.after(60)
    data = random.Random(seed).randbytes(WIDE_BYTES)
    client.hello(deadline)
    client.load_input(0, data, deadline)
    client.run(Stages.MODEL, mode=Mode.TAPPED, deadline=deadline)
    client.digests(deadline)
    assert client.read(What.TAP, 0, 0, WIDE_BYTES, deadline) == wide_output(data)
    client.cost(deadline)
    faulty.close()
    return recorder.written, recorder.frames(), faulty.faults


@pytest.mark.parametrize(("direction", "rate"), [("from_board", 2e-3), ("both", 5e-4)])
def test_the_same_seed_gives_the_same_frames(
    tmp_path: Path, direction: Direction, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_FIRST_RETRY", "_SHORTEST_RETRY", "_LONGEST_RETRY"):
        monkeypatch.setattr(exchange, name, PATIENT)
    monkeypatch.setattr(exchange.Pace, "first", lambda self, untimed=None: PATIENT)
    with open_board("native", root=tmp_path) as board:
        board.flash(build_firmware("wide", "native"), Deadline.after(20))
        seen = []
        for seed in (1, 2, 3):
            first = session(board, seed, rate, direction, 1 << 20)
            assert first[2] > 10
            for most in (1 << 20, 7):
                assert session(board, seed, rate, direction, most) == first
            seen.append(first[0])
        assert len(set(seen)) == 3
