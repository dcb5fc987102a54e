"""Tensors over the link: LOAD in pieces on credit, READ in pieces with several requests under way."""

import zlib
from collections import deque
from dataclasses import dataclass, replace

from host.deadline import Deadline
from host.errors import FirmwareFailure, LinkFailure
from host.link.exchange import Exchange, Pace, Refused, now, unexpected
from host.link.frames import MAX_PIECE, Frame, FrameType, data_payload, parse_credit, parse_data
from host.link.messages import (
    ErrorCode,
    ErrorResponse,
    Loaded,
    Target,
    What,
    load_request,
    read_request,
)

WINDOW = 8  # pieces under way: there is no flow control below
_SMALLEST = 32  # bytes
# Before any piece was timed: the virtual board's UART, the slowest port, takes 20 to 31 kB/s.
_SLOWEST = 60e-6  # seconds a byte
_FRAME = 32  # bytes of a DATA frame besides its piece, at most
_GROW_AFTER = 32  # pieces in a row that arrived


class PieceSize:
    """Bytes of a piece: halved when one is lost, doubled after a good stretch, so that a bad link still moves data.

    `pace` says how long a piece takes with others in front of it: on a slow port much longer than a small request.
    """

    def __init__(self) -> None:
        self.bytes = MAX_PIECE
        self.pace = Pace()
        self._good = 0

    def wait(self, length: int) -> float:
        """Seconds to wait for the first of the pieces of `length` bytes that may be under way."""
        pieces = min(WINDOW, -(-length // self.bytes))
        return self.pace.first(
            0.02 + (min(length, WINDOW * self.bytes) + pieces * _FRAME) * _SLOWEST
        )

    def arrived(self, pieces: int = 1) -> None:
        self._good += pieces
        if self._good >= _GROW_AFTER and self.bytes < MAX_PIECE:
            self.bytes = min(MAX_PIECE, 2 * self.bytes)
            self._good = 0

    def lost(self, length: int) -> None:
        """A piece of `length` bytes did not arrive."""
        self.bytes = max(_SMALLEST, min(self.bytes, length) // 2)
        self._good = 0


def load(
    exchange: Exchange,
    size: PieceSize,
    target: Target,
    index: int,
    data: bytes,
    deadline: Deadline,
) -> None:
    """Send `data` to the board's staging area, or into its stream; the board checks its CRC-32.

    Raises:
        LinkFailure: a block of a stream came damaged in spite of all checksums; it is pushed, so the stream is lost.
        NightjarError: see `Client`.
    """
    if not data:
        raise ValueError("there must be something to load. Received: 0 bytes")
    before, started, attempts = replace(exchange.stats), now(), 0
    while not deadline.expired:
        upload = _Upload(exchange, size, target, index, data)
        attempts += 1
        if upload.run(deadline):
            return
        if target == Target.BLOCK and not deadline.expired:
            raise LinkFailure(
                "samples of a stream came to the board damaged, and the stream is lost",
                evidence=f"block at sample {index}: another CRC; link so far: {exchange.stats}",
                next_step="start the stream again; check the cable if it persists",
            )
        attempts += upload.attempts
    raise exchange.silence("LOAD", attempts, before, now() - started)


@dataclass
class _Piece:
    """A DATA frame under way."""

    end: int  # offset behind it
    sent: float


class _Upload:
    """One LOAD under one request id. Go-back-N: the board takes pieces in order and credits the next offset wanted."""

    def __init__(
        self, exchange: Exchange, size: PieceSize, target: Target, index: int, data: bytes
    ) -> None:
        self._exchange = exchange
        self._size = size
        self._data = data
        self._crc = zlib.crc32(data)
        self._request = exchange.next_request()
        self._payload = load_request(target, index, len(data), self._crc)
        self._credited = 0
        self._sent = 0
        self._under_way: deque[_Piece] = deque()  # sent and not credited
        self._granted = False  # whether the board has asked for data
        self._wait = exchange.pace.first()
        self._repeats = 0  # credits that asked for the same offset again
        self._went_back_at = -1
        self.attempts = 0

    def run(self, deadline: Deadline) -> bool:
        """True when all is loaded; False at the deadline, or when the board found the whole damaged."""
        exchange = self._exchange
        while not deadline.expired:
            self._ask(deadline)
            attempt = deadline.at_most(self._wait)
            progress = self._credited
            damaged = False
            while not attempt.expired and not damaged:
                self._fill(deadline)
                credited, granted = self._credited, self._granted
                damage = exchange.stats.crc_errors
                for frame in exchange.receive(attempt):
                    done = self._take(frame)
                    if done is not None:
                        exchange.answered(self.attempts)
                        return done
                if self._credited > credited or (self._granted and not granted):
                    attempt = deadline.at_most(self._wait)
                # A damaged credit is made good by the next one, unless nothing is left to be credited.
                waiting = not self._granted or self._sent == len(self._data)
                damaged = waiting and exchange.stats.crc_errors > damage
            if self._credited > progress:
                self.attempts = 0
            if not damaged:
                self._wait = self._size.pace.after(self._wait)
        return False

    def _ask(self, deadline: Deadline) -> None:
        self._exchange.stats.retries += self.attempts > 0
        self.attempts += 1
        # The board says where it stands, behind everything that was sent before: one repeat is enough. So nothing is
        # sent again on a mere suspicion, which would choke a slow port.
        self._repeats = 1 if self._granted else 0
        self._went_back_at = -1
        self._exchange.send(FrameType.REQUEST, self._request, self._payload, deadline)

    def _fill(self, deadline: Deadline) -> None:
        while self._granted and self._sent < len(self._data) and len(self._under_way) < WINDOW:
            piece = self._data[self._sent : self._sent + self._size.bytes]
            payload = data_payload(self._sent, len(self._data), piece)
            self._exchange.send(FrameType.DATA, self._request, payload, deadline)
            self._sent += len(piece)
            self._under_way.append(_Piece(self._sent, now()))

    def _take(self, frame: Frame) -> bool | None:
        """True or False when the board has answered, None while it has not."""
        stats = self._exchange.stats
        if frame.request != self._request or frame.type == FrameType.DATA:
            stats.stale += 1
            return None
        if frame.type == FrameType.CREDIT:
            offset = parse_credit(frame.payload)
            if offset is None or offset > len(self._data):
                raise unexpected("LOAD", f"credit {frame.payload.hex()}")
            self._credit(offset)
            return None
        response = self._exchange.parse(frame)
        if isinstance(response, ErrorResponse):
            if response.code == ErrorCode.LOAD_DAMAGED:
                return False
            if response.code == ErrorCode.BUSY:
                return None
            raise Refused("LOAD", response)
        if not isinstance(response, Loaded):
            raise unexpected("LOAD", response)
        if response.received != len(self._data) or response.crc != self._crc:
            raise unexpected("LOAD", response)
        return True

    def _credit(self, offset: int) -> None:
        if not self._granted:
            self._granted = True
            self._wait = self._patience()
        if offset > self._credited:
            self._credited, self._repeats = offset, 0
            while self._under_way and self._under_way[0].end <= offset:
                piece = self._under_way.popleft()
                self._size.arrived()
                # Going back rests on the board's word, so that there is no older copy to take for this one.
                self._size.pace.saw(now() - piece.sent)
            self._wait = self._patience()
            # An old piece may have arrived after we went back, and moved the board ahead of us.
            if offset > self._sent:
                self._sent = offset
            return
        self._repeats += offset == self._credited
        self._exchange.stats.duplicates += offset < self._credited or self._repeats > 1
        # One may be the answer to a repeated request; two say that a piece is missing.
        if self._repeats == 2 and self._went_back_at != self._credited:
            self._went_back_at = self._credited
            self._go_back()

    def _patience(self) -> float:
        """Seconds without a credit before the board is asked where it stands."""
        return max(self._exchange.pace.first(), self._size.wait(len(self._data) - self._credited))

    def _go_back(self) -> None:
        if self._under_way:
            self._size.lost(self._under_way[0].end - self._credited)
            self._exchange.stats.retries += len(self._under_way)
        self._under_way.clear()
        self._sent = self._credited
        self._wait = self._patience()


class WrongSize(FirmwareFailure):
    """The firmware's table gives a tensor another size than it has."""

    def __init__(self, what: What, index: int, got: int, want: int) -> None:
        super().__init__(
            "the firmware holds a tensor to be of another size than it is",
            evidence=f"{what.name} {index}: it says {got} bytes, the reference has {want}",
            next_step="build the firmware again; its table of tensors is wrong",
        )


@dataclass
class _Ask:
    """A READ under way."""

    offset: int
    length: int
    sent: float


def read(
    exchange: Exchange,
    size: PieceSize,
    what: What,
    index: int,
    offset: int,
    length: int,
    deadline: Deadline,
    patience: float = 0,
    total: int | None = None,
) -> bytes:
    """Bytes [offset, offset + length) of a tensor. A lost piece is asked for anew, perhaps in smaller ones.

    `patience`: seconds that the first answer may take, because the board may have to run the model again for it.
    `total`: bytes that the whole tensor has; None takes whatever size the board holds it to have.

    Raises:
        WrongSize: the board holds the tensor to have another size than `total`.
        NightjarError: see `Client`.
    """
    before, started, attempts = replace(exchange.stats), now(), 1
    out = bytearray(length)
    wanted: deque[tuple[int, int]] = deque([(offset, length)] if length else [])
    asked: dict[int, _Ask] = {}  # by request id, oldest first
    wait = max(size.wait(length), patience)

    def give_up(request: int) -> None:
        ask = asked.pop(request)
        wanted.appendleft((ask.offset, ask.length))
        exchange.stats.retries += 1

    while wanted or asked:
        while wanted and len(asked) < WINDOW:
            at, rest = wanted.popleft()
            piece = min(rest, size.bytes)
            if rest > piece:
                wanted.appendleft((at + piece, rest - piece))
            request = exchange.next_request()
            exchange.send(
                FrameType.REQUEST, request, read_request(what, index, at, piece), deadline
            )
            asked[request] = _Ask(at, piece, now())
        damage = exchange.stats.crc_errors
        # Everything under way is one attempt: it is answered in order.
        attempt = deadline.at_most(wait)
        progress = False
        for frame in exchange.receive(attempt):
            if frame.request not in asked or frame.type == FrameType.CREDIT:
                exchange.stats.stale += 1
                continue
            ask = asked[frame.request]
            if frame.type == FrameType.RESPONSE:
                response = exchange.parse(frame)
                if isinstance(response, ErrorResponse) and response.code == ErrorCode.BUSY:
                    continue
                if isinstance(response, ErrorResponse):
                    raise Refused("READ", response)
                raise unexpected("READ", response)
            parsed = parse_data(frame.payload)
            if parsed is None or parsed[0] != ask.offset or len(parsed[2]) != ask.length:
                raise unexpected("READ", f"DATA {frame.payload[:16].hex()}")
            if total is not None and parsed[1] != total:
                raise WrongSize(what, index, parsed[1], total)
            out[ask.offset - offset : ask.offset - offset + ask.length] = parsed[2]
            # The board answers in order: what was asked for earlier and has not come is lost.
            for older in list(asked)[: list(asked).index(frame.request)]:
                size.lost(asked[older].length)
                give_up(older)
            del asked[frame.request]
            exchange.answered(attempts)
            size.arrived()
            # A repeated READ has a new id, so that every answer can be timed.
            size.pace.saw(now() - ask.sent)
            progress, attempts, wait = True, 1, size.pace.first()
        if progress or not asked:
            continue
        if deadline.expired:
            raise exchange.silence("READ", attempts, before, now() - started)
        if exchange.stats.crc_errors > damage or attempt.expired:
            size.lost(next(iter(asked.values())).length)
            attempts += 1
            if attempt.expired:
                wait = size.pace.after(wait)
            # One damaged answer is one lost answer, most likely the oldest; a silence is about all of them.
            for request in reversed(list(asked) if attempt.expired else list(asked)[:1]):
                give_up(request)
    return bytes(out)
