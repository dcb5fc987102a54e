"""Tensors over the link: LOAD in pieces on credit, READ in pieces with several requests under way."""

import zlib
from collections import deque
from dataclasses import dataclass

from host.deadline import Deadline, now
from host.errors import FirmwareFailure, LinkFailure
from host.link.attempts import Attempts
from host.link.exchange import Exchange, Pace, Refused, unexpected
from host.link.frames import (
    MAX_PIECE,
    Broken,
    Frame,
    FrameType,
    data_payload,
    parse_credit,
    parse_data,
)
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
    while not _Upload(exchange, size, target, index, data).run(deadline):
        if target == Target.BLOCK:
            raise LinkFailure(
                "samples of a stream came to the board damaged, and the stream is lost",
                evidence=f"block at sample {index}: another CRC; link so far: {exchange.stats}",
                next_step="start the stream again; check the cable if it persists",
            )


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
        self._payload = load_request(exchange.greeted.nonce, target, index, len(data), self._crc)
        self._credited = 0
        self._sent = 0
        self._under_way: deque[_Piece] = deque()  # sent and not credited
        self._granted = False  # whether the board has asked for data
        self._wait = exchange.pace.first()
        self._repeats = 0  # credits that asked for the same offset again
        self._went_back_at = -1
        self._asking = Attempts(
            exchange, "LOAD", moved=lambda: f"{self._credited} of {len(data)} bytes arrived"
        )

    def run(self, deadline: Deadline) -> bool:
        """True when all is loaded; False when the board found the whole damaged.

        Raises:
            NightjarError: neither before the deadline, and why.
        """
        while not deadline.expired:
            self._ask(deadline)
            done = self._feed(deadline)
            if done is not None:
                return done
        raise self._asking.failure()

    def _feed(self, deadline: Deadline) -> bool | None:
        """Send what is wanted until the board has answered; None when it must be asked again."""
        attempt, looked = deadline.at_most(self._wait), False
        while not looked or not attempt.expired:  # what is there already is taken all the same
            looked = True
            self._fill(deadline)
            item = self._exchange.receive(attempt)
            if item is None:
                break
            if isinstance(item, Broken):
                awaited = {self._request: 0}
                self._asking.damaged(item, awaited, FrameType.CREDIT, FrameType.RESPONSE)
                # A damaged credit is made good by the next one, unless nothing is left to be credited.
                if not self._granted or self._sent == len(self._data):
                    return None
                continue
            before = self._credited, self._granted
            done = self._take(item)
            if done is not None:
                return done
            if (self._credited, self._granted) != before:
                attempt = deadline.at_most(self._wait)
                self._asking.progressed()
        self._wait = self._size.pace.after(self._wait)
        return None

    def _ask(self, deadline: Deadline) -> None:
        self._exchange.stats.retries += self._asking.sent > 0
        self._asking.asked()
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
        if frame.request != self._request or frame.type == FrameType.DATA:
            self._exchange.stats.stale += 1
            return None
        if frame.type == FrameType.CREDIT:
            offset = parse_credit(frame.payload)
            if offset is None or offset > len(self._data):
                raise unexpected("LOAD", f"credit {frame.payload.hex()}")
            self._asking.heard()
            self._credit(offset)
            return None
        response = self._exchange.parse(frame)
        if isinstance(response, ErrorResponse):
            if response.code == ErrorCode.LOAD_DAMAGED:
                return False
            raise Refused("LOAD", response)
        if not isinstance(response, Loaded):
            raise unexpected("LOAD", response)
        if response.received != len(self._data) or response.crc != self._crc:
            raise unexpected("LOAD", response)
        # The last piece is answered so, and a short tensor has no other.
        if self._asking.sent > 1:
            self._size.pace.late(self._wait)
        elif self._under_way:
            self._size.pace.saw(now() - self._under_way[-1].sent)
        return True

    def _credit(self, offset: int) -> None:
        if not self._granted:
            self._granted = True
            if self._asking.sent > 1:
                self._exchange.pace.late(self._wait)
            else:
                self._exchange.pace.saw(now() - self._asking.started)
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
    download = _Download(exchange, size, what, index, total)
    return download.run(offset, length, deadline, patience)


class _Download:
    """READs of one tensor, several under way.

    Repeats have new ids, so that each can be timed; an answer that comes late, to an older one, is taken all the same:
    else a board that always needs longer than is waited would never be heard.
    """

    def __init__(
        self, exchange: Exchange, size: PieceSize, what: What, index: int, total: int | None
    ) -> None:
        self._exchange = exchange
        self._size = size
        self._what = what
        self._index = index
        self._total = total
        self._wanted: deque[tuple[int, int]] = deque()  # offset and length of what is not asked for
        self._asked: dict[int, _Ask] = {}  # by request id, oldest first
        self._given_up: dict[int, _Ask] = {}  # by request id
        self._length = self._taken = 0
        self._asking = Attempts(
            exchange, "READ", sent=1, moved=lambda: f"{self._taken} of {self._length} bytes came"
        )

    def run(self, offset: int, length: int, deadline: Deadline, patience: float) -> bytes:
        """The bytes, or whatever `read` raises."""
        exchange, size = self._exchange, self._size
        out = bytearray(length)
        self._length = length
        if length:
            self._wanted.append((offset, length))
        wait = max(size.wait(length), patience)
        attempt = deadline.at_most(wait)
        while self._wanted or self._asked:
            self._fill(deadline)
            item = exchange.receive(attempt)
            if isinstance(item, Frame):
                piece = self._take(item)
                if piece is not None:
                    ask, data = piece
                    self._taken += len(data)
                    out[ask.offset - offset : ask.offset - offset + ask.length] = data
                    self._asking.progressed()
                    wait = size.pace.first()
                    attempt = deadline.at_most(wait)
                    continue
            if deadline.expired:
                raise self._asking.failure()
            if isinstance(item, Broken):
                self._lost(self._damaged(item))
                attempt = deadline.at_most(wait)
            elif attempt.expired:
                # A silence is about all of them.
                self._lost(*self._asked)
                wait = size.pace.after(wait)
                attempt = deadline.at_most(wait)
        return bytes(out)

    def _fill(self, deadline: Deadline) -> None:
        session = self._exchange.greeted.nonce
        while self._wanted and len(self._asked) < WINDOW:
            at, rest = self._wanted.popleft()
            piece = min(rest, self._size.bytes)
            if rest > piece:
                self._wanted.appendleft((at + piece, rest - piece))
            request = self._exchange.next_request()
            payload = read_request(session, self._what, self._index, at, piece)
            self._exchange.send(FrameType.REQUEST, request, payload, deadline)
            self._asked[request] = _Ask(at, piece, now())

    def _take(self, frame: Frame) -> tuple[_Ask, bytes] | None:
        """What was asked and the bytes in its answer; None when it is no answer to that."""
        late = frame.request in self._given_up
        if frame.type == FrameType.CREDIT or not (late or frame.request in self._asked):
            self._exchange.stats.stale += 1
            return None
        ask = self._given_up.pop(frame.request) if late else self._asked[frame.request]
        if frame.type == FrameType.RESPONSE:
            response = self._exchange.parse(frame)
            if isinstance(response, ErrorResponse):
                raise Refused("READ", response)
            raise unexpected("READ", response)
        parsed = parse_data(frame.payload)
        if parsed is None or parsed[0] != ask.offset or len(parsed[2]) != ask.length:
            raise unexpected("READ", f"DATA {frame.payload[:16].hex()}")
        if self._total is not None and parsed[1] != self._total:
            raise WrongSize(self._what, self._index, parsed[1], self._total)
        self._size.pace.saw(now() - ask.sent)
        if late:
            self._exchange.stats.stale += 1
            return (ask, parsed[2]) if self._spare(ask) else None
        # The board answers in order: what was asked for earlier and has not come is lost.
        requests = list(self._asked)
        for older in requests[: requests.index(frame.request)]:
            self._size.lost(self._asked[older].length)
            self._give_up(older)
        del self._asked[frame.request]
        self._size.arrived()
        return ask, parsed[2]

    def _spare(self, late: _Ask) -> bool:
        """Ask no more for what came `late`; False if it is all there already."""
        end = late.offset + late.length
        again = [
            r
            for r, ask in self._asked.items()
            if late.offset <= ask.offset and ask.offset + ask.length <= end
        ]
        for request in again:
            self._given_up[request] = self._asked.pop(request)
        wanted = deque[tuple[int, int]]()
        for at, length in self._wanted:
            parts = [
                (at, min(at + length, late.offset) - at),
                (max(at, end), at + length - max(at, end)),
            ]
            wanted += [part for part in parts if part[1] > 0]
        spared = bool(again) or wanted != self._wanted
        self._wanted = wanted
        return spared

    def _damaged(self, broken: Broken) -> int:
        """The request whose answer was damaged: the one it names, or most likely the oldest."""
        places = {request: ask.offset for request, ask in self._asked.items()}
        self._asking.damaged(broken, places, FrameType.DATA, FrameType.RESPONSE)
        named = broken.frame is not None and broken.frame.request in self._asked
        return broken.frame.request if named and broken.frame else next(iter(self._asked))

    def _lost(self, *requests: int) -> None:
        """Ask anew for what was asked by `requests`, oldest first, in smaller pieces."""
        self._size.lost(self._asked[requests[0]].length)
        self._asking.asked()
        for request in reversed(requests):
            self._give_up(request)

    def _give_up(self, request: int) -> None:
        ask = self._asked.pop(request)
        self._given_up[request] = ask
        self._wanted.appendleft((ask.offset, ask.length))
        self._exchange.stats.retries += 1
