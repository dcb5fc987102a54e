"""LOAD: tensors to the board, in pieces on credit."""

import zlib
from collections import deque
from dataclasses import dataclass

from host.deadline import Deadline, now
from host.errors import LinkFailure
from host.link.attempts import Attempts
from host.link.exchange import Exchange, Refused, unexpected
from host.link.frames import Broken, Frame, FrameType, data_payload, parse_credit
from host.link.messages import ErrorCode, ErrorResponse, Loaded, Target, load_request
from host.link.pieces import WINDOW, PieceSize


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

    begin: int
    end: int  # offset behind it
    sent: float
    number: int  # of the frames of this load, from 1


class _Upload:
    """One LOAD under one request id. Go-back-N: the board takes pieces in order and credits the next offset wanted.

    It answers each frame, in their order, so that the answers that have come say which frames it has passed. A piece is
    lost when one behind its last copy was answered and it is still wanted: copies that were not needed say nothing.
    """

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
        self._frames = 0  # sent
        self._passed = 0  # of them, which the board has seen or will never see: at least so many
        self._copies: dict[int, list[int]] = {}  # end of a piece -> numbers of the frames with it
        self._went_back_to = -1  # offset: one time for each, or copies would breed copies
        self._asked = False  # where it stands, after a silence
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
        # The board says where it stands, behind everything that was sent before. So nothing is sent again on a mere
        # suspicion, which would choke a slow port.
        self._asked, self._went_back_to = self._granted, -1
        self._frames += 1
        self._exchange.send(FrameType.REQUEST, self._request, self._payload, deadline)

    def _fill(self, deadline: Deadline) -> None:
        while self._granted and self._sent < len(self._data) and len(self._under_way) < WINDOW:
            piece = self._data[self._sent : self._sent + self._size.bytes]
            payload = data_payload(self._sent, len(self._data), piece)
            self._exchange.send(FrameType.DATA, self._request, payload, deadline)
            begin, self._sent = self._sent, self._sent + len(piece)
            self._frames += 1
            self._copies.setdefault(self._sent, []).append(self._frames)
            self._under_way.append(_Piece(begin, self._sent, now(), self._frames))

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
            if offset == self._credited:  # the request's own answer
                self._passed += 1
                return
        if offset > self._credited:
            self._credited, self._asked = offset, False
            copies = self._copies.get(offset, [])
            sure = copies[0] if copies else 0
            self._passed = sure if len(copies) == 1 else max(self._passed + 1, sure)
            while self._under_way and self._under_way[0].end <= offset:
                piece = self._under_way.popleft()
                self._size.arrived()
                # Going back rests on the board's word, so that there is no older copy to take for this one.
                self._size.pace.saw(now() - piece.sent)
            self._wait = self._patience()
            # An old piece may have arrived after we went back, and moved the board ahead of us.
            if offset > self._sent or (self._under_way and self._under_way[0].begin != offset):
                self._under_way.clear()
                self._sent = offset
            return
        if offset < self._credited:  # a copy that comes late
            self._exchange.stats.duplicates += 1
            return
        self._passed += 1
        possible = self._under_way and self._went_back_to < offset
        lost = bool(possible) and self._passed > self._under_way[0].number
        if lost:  # what was sent behind it came too early: only what follows can move the board
            for piece in self._under_way:
                self._copies.pop(piece.end, None)
        if possible and (lost or self._asked):
            self._went_back_to = offset
            self._go_back()
        else:
            self._exchange.stats.duplicates += 1

    def _patience(self) -> float:
        """Seconds without a credit before the board is asked where it stands."""
        return max(self._exchange.pace.first(), self._size.wait(len(self._data) - self._credited))

    def _go_back(self) -> None:
        self._size.lost(self._under_way[0].end - self._credited)
        self._exchange.stats.retries += len(self._under_way)
        self._under_way.clear()
        self._sent, self._asked = self._credited, False
        self._wait = self._patience()
