"""READ: tensors from the board, in pieces with several requests under way."""

from collections import deque
from dataclasses import dataclass

from host.deadline import Deadline, now
from host.errors import FirmwareFailure
from host.link.attempts import Attempts
from host.link.exchange import Exchange, Refused, unexpected
from host.link.frames import Broken, Frame, FrameType, parse_data
from host.link.messages import ErrorResponse, What, read_request
from host.link.pieces import WINDOW, PieceSize


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
