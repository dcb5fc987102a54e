"""Requests to a board that is observed: one at a time, each sent once.

A session repeats what is not answered in time. Here a repeat would run code that a clean session
does not run, and when it came would depend on the speed of this computer. Ids and nonce are fixed
for the same reason: they are in frames that the firmware decodes.
"""

import zlib
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from host.deadline import Deadline
from host.errors import BoardFailure, FirmwareFailure
from host.link.frames import (
    MAX_PIECE,
    Frame,
    FrameType,
    StreamDecoder,
    data_payload,
    encode,
    parse_credit,
    parse_data,
)
from host.link.messages import (
    MAX_DIGESTS,
    MAX_STEPS,
    BootEvent,
    Cleared,
    CostPage,
    DigestsPage,
    FaultEvent,
    Hello,
    Loaded,
    MessageError,
    Mode,
    RunResult,
    Stages,
    Target,
    What,
    clear_request,
    cost_request,
    decode_event,
    decode_response,
    digests_request,
    hello_request,
    load_request,
    read_request,
    run_request,
)
from host.link.registers import FirmwareFault
from host.link.transport import Transport

_NONCE = 0x4E4A2D43
_IDS = 0xFFFF

R = TypeVar("R", Hello, Loaded, RunResult, DigestsPage, CostPage, Cleared)


class Link:
    """One connection.

    Every method raises, besides what the transport does:
        FirmwareFault: the firmware faulted; has the registers.
        FirmwareFailure: its answer does not fit the request.
        BoardFailure: it started again by itself, or does not answer by the deadline.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._decoder = StreamDecoder()
        self._frames: deque[Frame] = deque()
        self._sent = 0
        self._request = 0

    def await_boot(self, deadline: Deadline) -> None:
        """Wait until the firmware says that it has started."""
        while self._next("a boot", deadline, events=True).type != FrameType.EVENT:
            pass

    def hello(self, deadline: Deadline) -> Hello:
        """Who answers."""
        return self._ask(hello_request(_NONCE), Hello, deadline)

    def load(self, target: Target, index: int, data: bytes, deadline: Deadline) -> None:
        """Send a tensor or a chunk, piece by piece as the board asks for them."""
        self._begin(load_request(_NONCE, target, index, len(data), zlib.crc32(data)), deadline)
        while (frame := self._next("LOAD", deadline)).type == FrameType.CREDIT:
            offset = parse_credit(frame.payload)
            if offset is None or offset >= len(data):
                raise _unfit("LOAD", frame.payload.hex())
            piece = data[offset : offset + MAX_PIECE]
            self._send(FrameType.DATA, data_payload(offset, len(data), piece), deadline)
        self._response(frame, Loaded)

    def clear(self, deadline: Deadline) -> None:
        """Begin a sequence anew."""
        self._ask(clear_request(_NONCE), Cleared, deadline)

    def run(self, stages: Stages, mode: Mode, deadline: Deadline) -> RunResult:
        """One run of all steps."""
        return self._ask(run_request(_NONCE, stages, 1, mode, None), RunResult, deadline)

    def digests(self, taps: int, deadline: Deadline) -> DigestsPage:
        """Ask for every digest; the first page."""
        return self._pages(taps, MAX_DIGESTS, digests_request, DigestsPage, deadline)

    def cost(self, steps: int, deadline: Deadline) -> CostPage:
        """Ask for every cost; the first page."""
        return self._pages(steps, MAX_STEPS, cost_request, CostPage, deadline)

    def read(self, what: What, index: int, total: int, deadline: Deadline) -> bytes:
        """A whole tensor of `total` bytes."""
        got = b""
        while len(got) < total:
            count = min(MAX_PIECE, total - len(got))
            self._begin(read_request(_NONCE, what, index, len(got), count), deadline)
            frame = self._next("READ", deadline)
            data = parse_data(frame.payload) if frame.type == FrameType.DATA else None
            if data is None or data[:2] != (len(got), total) or len(data[2]) != count:
                raise _unfit("READ", frame.payload[:32].hex())
            got += data[2]
        return got

    def _pages(
        self,
        total: int,
        most: int,
        make: Callable[[int, int, int], bytes],
        kind: type[R],
        deadline: Deadline,
    ) -> R:
        first = self._ask(make(_NONCE, 0, min(most, total)), kind, deadline)
        for begin in range(most, total, most):
            self._ask(make(_NONCE, begin, min(most, total - begin)), kind, deadline)
        return first

    def _ask(self, payload: bytes, kind: type[R], deadline: Deadline) -> R:
        self._begin(payload, deadline)
        return self._response(self._next(kind.__name__, deadline), kind)

    def _begin(self, payload: bytes, deadline: Deadline) -> None:
        self._request = self._request % _IDS + 1
        self._send(FrameType.REQUEST, payload, deadline)

    def _send(self, kind: FrameType, payload: bytes, deadline: Deadline) -> None:
        frame = Frame(kind, self._sent, self._request, payload)
        self._sent = (self._sent + 1) & 0xFFFF
        self._transport.write(encode(frame), deadline)

    def _next(self, what: str, deadline: Deadline, *, events: bool = False) -> Frame:
        while True:
            while self._frames:
                frame = self._frames.popleft()
                if frame.type == FrameType.EVENT:
                    _check_event(frame, events)
                if frame.type == FrameType.EVENT or frame.request == self._request:
                    return frame
            if deadline.expired:
                raise BoardFailure(
                    f"the observed board gave no answer to {what} by the deadline",
                    evidence=f"{self._sent} frames were sent",
                    next_step="give a longer --deadline, or run it on a less busy machine",
                )
            arrived = self._decoder.feed(self._transport.read(deadline))
            self._frames += [frame for frame in arrived if isinstance(frame, Frame)]

    def _response(self, frame: Frame, kind: type[R]) -> R:
        try:
            response = decode_response(frame.payload)
        except MessageError as error:
            raise _unfit(kind.__name__, str(error)) from error
        if not isinstance(response, kind):
            raise _unfit(kind.__name__, str(response))
        return response


def _check_event(frame: Frame, boots: bool) -> None:
    try:
        event = decode_event(frame.payload)
    except MessageError as error:
        raise _unfit("an event", str(error)) from error
    if isinstance(event, FaultEvent):
        raise FirmwareFault(event)
    if isinstance(event, BootEvent) and not boots:
        raise BoardFailure(
            "the observed board started again by itself", evidence=f"boot {event.boot}"
        )


def _unfit(what: str, received: str) -> FirmwareFailure:
    return FirmwareFailure(
        f"the observed firmware's answer does not fit the request ({what})",
        evidence=f"Received: {received[:200]}",
        next_step="flash firmware that was generated by this version of nightjar",
    )
