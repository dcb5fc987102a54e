"""What a recorded session asked its board, and what it was answered: requests in order, each once."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import cbor2

from host.errors import BadInput
from host.link.cut import Cutter
from host.link.frames import Frame, FrameType, decode_block, parse_data
from host.link.messages import MessageError, Response, decode_response
from host.reading import load_json
from host.recording.manifest import NEXT
from host.recording.recording import Recording
from host.recording.records import Kind

HELLO, LOAD, RUN, DIGESTS, READ, COST, RESET, SPIN = range(
    8
)  # requests of firmware/core/link/nightjar.cddl


@dataclass
class Exchange:
    """A request and its answer, however often either was sent.

    question: what the session asked by it, as `Asked.what`; "" before the first. words: of the request, its kind first,
    without the number of the session. response: None where none came. data: what READ gave, by offset.
    """

    question: str
    words: tuple[int, ...]
    response: Response | None = None
    data: dict[int, bytes] = field(default_factory=dict)

    @property
    def kind(self) -> int:
        return self.words[0]


def exchanges(recording: Recording) -> list[Exchange]:
    """Every request of the session's own link, in order.

    Raises:
        BadInput: the frames are damaged, or are those of no session.
    """
    listener = _Listener()
    try:
        for question, sent, frame in _frames(recording):
            listener.heard(question, sent, frame)
    except (ValueError, MessageError) as error:
        raise BadInput(
            "a recording must hold the frames of a session",
            evidence=f"Received: {str(error)[:300]}",
            next_step=NEXT,
        ) from error
    return listener.found


def _frames(recording: Recording) -> Iterator[tuple[str, bool, Frame]]:
    """(the question, whether it was sent to the board, the frame) of every undamaged frame."""
    cutters, question = {Kind.SENT: Cutter(), Kind.CAME: Cutter()}, ""
    for record in recording.records():
        if record.kind == Kind.NOTE:
            said = load_json(record.data, "a note of a recording")
            question = str(said.get("asked", question)) if isinstance(said, dict) else question
        if record.line or record.kind not in cutters:
            continue
        for cut in cutters[Kind(record.kind)].feed(record.data):
            frame = decode_block(cut.data.strip(b"\0")) if cut.identity is not None else None
            if frame is not None:
                yield question, record.kind == Kind.SENT, frame


@dataclass
class _Listener:
    found: list[Exchange] = field(default_factory=list)
    _by_id: dict[int, tuple[bytes, Exchange]] = field(default_factory=dict)

    def heard(self, question: str, sent: bool, frame: Frame) -> None:
        if sent and frame.type == FrameType.REQUEST:
            self._asked(question, frame)
        elif not sent and frame.request in self._by_id:
            exchange = self._by_id[frame.request][1]
            if frame.type == FrameType.RESPONSE and exchange.response is None:
                exchange.response = decode_response(frame.payload)
            elif frame.type == FrameType.DATA and exchange.kind == READ:
                parsed = parse_data(frame.payload)
                if parsed is not None:
                    exchange.data.setdefault(parsed[0], parsed[2])

    def _asked(self, question: str, frame: Frame) -> None:
        known = self._by_id.get(frame.request)
        if known is not None and known[0] == frame.payload:
            return  # sent again: something was lost on the way
        try:
            words = cbor2.loads(frame.payload)
        except Exception as error:  # of many kinds, some of Python's own
            raise ValueError(f"a request of no CBOR: {error}") from error
        if not isinstance(words, list) or not words or not all(type(one) is int for one in words):
            raise ValueError("a request that is no list of numbers")
        exchange = Exchange(question, (words[0], *words[2:]))
        self.found.append(exchange)
        self._by_id[frame.request] = frame.payload, exchange
