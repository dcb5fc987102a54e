"""A slow board on a clean link is soon waited for: what it answers late is asked once. All in simulated time."""

import zlib
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from types import MappingProxyType

import cbor2
import pytest

from host.deadline import Deadline, clocked
from host.link.download import read
from host.link.exchange import Exchange
from host.link.frames import Frame, FrameType, StreamDecoder, data_payload, encode
from host.link.identity_test import HELLO
from host.link.messages import Target, What
from host.link.pieces import PieceSize
from host.link.upload import load

BYTES = 490


class SlowBoard:
    """A transport in simulated time, with a board at its end that needs `seconds` for all that it is given or gives.

    Of the pieces of loads, counted from 1, some get lost, and for some it takes seconds longer.
    """

    def __init__(
        self,
        seconds: float,
        lost: Collection[int] = (),
        pauses: Mapping[int, float] = MappingProxyType({}),
    ) -> None:
        self.time = 0.0
        self._seconds = seconds
        self._lost, self._pauses, self._heard = lost, pauses, 0
        self._coming: deque[tuple[float, bytes]] = deque()
        self._decoder = StreamDecoder()
        self._sequence = count()
        self._free = 0.0  # when it has done what it was asked for
        self._loading = 0  # which request
        self._data, self._total = bytearray(), 0

    def write(self, data: bytes, deadline: Deadline) -> None:
        for frame in self._decoder.feed(data):
            assert isinstance(frame, Frame)
            self._hear(frame)

    def read(self, deadline: Deadline) -> bytes:
        if self._coming and self._coming[0][0] <= deadline.at:
            due, data = self._coming.popleft()
            self.time = max(self.time, due)
            return data
        self.time = max(self.time, deadline.at)
        return b""

    def close(self) -> None: ...

    def _hear(self, frame: Frame) -> None:
        if frame.type == FrameType.DATA:
            self._heard += 1
            if self._heard in self._lost:
                return
            if int.from_bytes(frame.payload[:4], "little") == len(self._data):
                self._data += frame.payload[8:]
            self._credit(frame.request, self._seconds + self._pauses.get(self._heard, 0.0))
            return
        kind, _, _, index, *rest = cbor2.loads(frame.payload)
        if kind == 1:
            if frame.request != self._loading:
                self._loading, self._data, self._total = frame.request, bytearray(), rest[0]
            self._credit(frame.request, 0.001)
        else:
            offset, length = rest
            piece = data_payload(offset, BYTES, bytes([index]) * length)
            self._say(FrameType.DATA, frame.request, piece, self._seconds * length / BYTES)

    def _credit(self, request: int, seconds: float) -> None:
        """It answers each piece, wanted or not, and each repeat of the request."""
        if len(self._data) == self._total:
            whole = [1, len(self._data), zlib.crc32(self._data)]
            self._say(FrameType.RESPONSE, request, cbor2.dumps(whole), seconds)
        else:
            credit = len(self._data).to_bytes(4, "little")
            self._say(FrameType.CREDIT, request, credit, seconds)

    def _say(self, kind: FrameType, request: int, payload: bytes, seconds: float) -> None:
        """In the order of what was asked."""
        self._free = max(self._free, self.time) + seconds
        data = encode(Frame(kind, next(self._sequence), request, payload))
        self._coming.append((self._free, data))


def loads(exchange: Exchange, size: PieceSize) -> None:
    load(exchange, size, Target.INPUT, 0, bytes(range(7)) * 70, Deadline.after(100))


def reads(exchange: Exchange, size: PieceSize) -> None:
    got = read(exchange, size, What.OUTPUT, 5, 0, BYTES, Deadline.after(100))
    assert got == bytes([5]) * BYTES


@contextmanager
def linked(board: SlowBoard) -> Iterator[tuple[Exchange, PieceSize]]:
    """What asks the board, in its time."""
    with clocked(lambda: board.time):
        exchange = Exchange(board)
        exchange.hello = HELLO
        yield exchange, PieceSize()


@pytest.mark.parametrize("ask", [loads, reads])
@pytest.mark.parametrize("seconds", [0.01, 0.08, 0.3])
def test_what_takes_long_is_soon_asked_once(
    ask: Callable[[Exchange, PieceSize], None], seconds: float
) -> None:
    with linked(SlowBoard(seconds)) as (exchange, size):
        for _ in range(3):
            ask(exchange, size)
        learnt = exchange.stats.retries
        for _ in range(50):
            ask(exchange, size)
    assert exchange.stats.retries == learnt
    assert exchange.stats.duplicates <= learnt


@pytest.mark.parametrize("ask", [loads, reads])
@pytest.mark.parametrize("seconds", [0.9, 3.0, 12.0])
def test_a_board_slower_than_any_wait_is_heard(
    ask: Callable[[Exchange, PieceSize], None], seconds: float
) -> None:
    """It answers in the end; what was asked again meanwhile is not waited for."""
    board = SlowBoard(seconds)
    with linked(board) as (exchange, size):
        ask(exchange, size)
        assert board.time < seconds + 0.1


LONG = bytes(range(256)) * 188  # 47 pieces


@pytest.mark.parametrize("pause", [0.2, 1.0, 5.0])
def test_a_pause_of_the_board_makes_no_copies_that_make_copies(pause: float) -> None:
    """What it was asked meanwhile it answers behind all pieces, and nothing of that says that one was lost."""
    board = SlowBoard(0.001, pauses={20: pause})
    with linked(board) as (exchange, size):
        load(exchange, size, Target.INPUT, 0, LONG, Deadline.after(100))
        assert board.time < pause + 0.1
    assert 0 < exchange.stats.retries <= 4 + 2 * pause  # the request alone


def test_a_piece_that_is_lost_is_sent_again_once_with_those_behind_it() -> None:
    board = SlowBoard(0.001, lost={20})
    with linked(board) as (exchange, size):
        load(exchange, size, Target.INPUT, 0, LONG, Deadline.after(100))
        assert board.time < 0.1  # no wait for a silence
    assert exchange.stats.retries == 8
