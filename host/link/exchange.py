"""One connection: frames in and out one by one, events, retry timing, and what a bad one means."""

import random
from collections import deque

from host.deadline import Deadline
from host.errors import BoardFailure, FirmwareFailure
from host.link.frames import VERSION, Broken, Frame, FrameType, StreamDecoder, encode
from host.link.messages import (
    PROTOCOL,
    BootEvent,
    DetectionEvent,
    ErrorCode,
    ErrorResponse,
    FaultEvent,
    Hello,
    MessageError,
    OtherProtocol,
    ResetCause,
    Response,
    decode_event,
    decode_response,
)
from host.link.registers import FirmwareFault
from host.link.stats import LinkStats
from host.link.transport import Transport
from host.link.version import other_version

_FIRST_RETRY = 0.025  # seconds, of a small request before any round trip was timed
_SHORTEST_RETRY = 0.005
_LONGEST_RETRY = 0.5
_KEPT_LOGS = 200
_SEQUENCES = 1 << 16


class Pace:
    """When to send again: doubled after each attempt, begun at a multiple of the round trips seen."""

    def __init__(self, untimed: float = _FIRST_RETRY) -> None:
        self._untimed = untimed
        self._round_trip: float | None = None

    def first(self, untimed: float | None = None) -> float:
        """Seconds to wait for the answer to a first attempt; `untimed` when none was answered yet."""
        if self._round_trip is None:
            return self._untimed if untimed is None else untimed
        return min(max(4 * self._round_trip, _SHORTEST_RETRY), _LONGEST_RETRY)

    def after(self, wait: float) -> float:
        """Seconds to wait after an attempt that `wait` seconds did not answer."""
        return min(2 * wait, _LONGEST_RETRY)

    def saw(self, seconds: float) -> None:
        """A first attempt was answered after `seconds`. Slow ones are believed at once, quick ones by and by."""
        old = self._round_trip
        self._round_trip = seconds if old is None or seconds > old else 0.8 * old + 0.2 * seconds

    def late(self, wait: float) -> None:
        """It was answered after it had been repeated, nobody knows to which attempt: the next one is given `wait`."""
        self._round_trip = max(self._round_trip or 0.0, wait / 4)


class Exchange:
    """Sends frames, takes frames, and raises what the board says by itself.

    After `hello` is set, an event of another boot is an unexpected reboot. `generator` draws the
    request ids: the system's own, unless one is given so that a session can be repeated.
    """

    def __init__(
        self,
        transport: Transport,
        stats: LinkStats | None = None,
        generator: random.Random | None = None,
    ) -> None:
        self.stats = LinkStats() if stats is None else stats
        self.generator = random.SystemRandom() if generator is None else generator
        self.logs: deque[str] = deque(maxlen=_KEPT_LOGS)
        self.detections: dict[int, DetectionEvent] = {}  # by number, since somebody cleared it
        self.pace = Pace()
        self.hello: Hello | None = None
        self.answers = False  # whether HELLO was ever answered
        self._boots: set[int] = set()  # known from events
        self._transport = transport
        self._decoder = StreamDecoder()
        self._arrived: deque[Frame | Broken] = deque()
        self.received = 0  # bytes
        self._sequence = 0
        self._expected: int | None = None
        self._request = self.generator.randrange(_SEQUENCES)

    @property
    def noise(self) -> bytes:
        """The last bytes that came outside frames."""
        return bytes(self._decoder.noise) + self._decoder.partial

    @property
    def spoke(self) -> bool:
        """Whether any frame has come, be it damaged."""
        return self._decoder.framed + self._decoder.legible > 0

    @property
    def loose(self) -> int:
        """Bytes that have come and belong to no frame, not even a damaged one; delimiters too."""
        return self.received - self._decoder.framed - self._decoder.legible

    @property
    def greeted(self) -> Hello:
        """Who answered HELLO; its nonce is the session that requests name."""
        if self.hello is None:
            raise ValueError("say hello first: nobody has said what it is")
        return self.hello

    def next_request(self) -> int:
        """A fresh request id, 1 to 65535."""
        self._request = self._request % (_SEQUENCES - 1) + 1
        return self._request

    @property
    def newest_request(self) -> int:
        """The id of the last request."""
        return self._request

    def send(self, kind: FrameType, request: int, payload: bytes, deadline: Deadline) -> None:
        """Send one frame."""
        data = encode(Frame(kind, self._sequence, request, payload))
        self._sequence = (self._sequence + 1) % _SEQUENCES
        self.stats.frames_out += 1
        self.stats.bytes_out += len(data)
        self._transport.write(data, deadline)

    def restarted(self) -> None:
        """The board was told to start again: its next frame has any sequence number."""
        self._expected = None

    def receive(self, deadline: Deadline) -> Frame | Broken | None:
        """The next RESPONSE, DATA or CREDIT frame, or block that was damaged; None at the deadline.

        One by one, however their bytes came: what is sent next must not depend on how they were
        batched.

        Raises:
            FirmwareFault: the firmware reported a fault.
            BoardFailure: it has started again, or the transport is gone.
            IdentityFailure: it speaks another version of the frames.
        """
        looked = False
        while True:
            while self._arrived:
                item = self._arrived.popleft()
                if isinstance(item, Broken):
                    self.stats.crc_errors += 1
                    return item
                if self._keep(item):
                    return item
            # Noise, zeros and logs may come without an end.
            if looked and deadline.expired:
                return None
            data = self._transport.read(deadline)
            if not data:
                return None
            looked = True
            self.received += len(data)
            self.stats.bytes_in += len(data)
            self._arrived.extend(self._decoder.feed(data))
            self.stats.noise_bytes = self._decoder.noise_bytes

    def _keep(self, frame: Frame) -> bool:
        self.stats.frames_in += 1
        if frame.version != VERSION:
            raise other_version("link", frame.version, VERSION)
        if frame.type == FrameType.EVENT:
            self._event(frame)
        self._count(frame)
        if frame.type == FrameType.LOG:
            self.logs.append(frame.payload.decode(errors="replace"))
        return frame.type in (FrameType.RESPONSE, FrameType.DATA, FrameType.CREDIT)

    def _count(self, frame: Frame) -> None:
        """Count the frames that are missing before this one."""
        expected = frame.sequence if self._expected is None else self._expected
        ahead = (frame.sequence - expected) % _SEQUENCES
        if ahead >= _SEQUENCES // 2:
            self.stats.duplicates += 1  # a copy that comes late
            return
        self.stats.gaps += ahead
        self._expected = (frame.sequence + 1) % _SEQUENCES

    def _event(self, frame: Frame) -> None:
        try:
            event = decode_event(frame.payload)
        except MessageError as error:
            raise malformed("an event", frame, error) from error
        if isinstance(event, FaultEvent):
            raise FirmwareFault(event)
        if isinstance(event, DetectionEvent):
            self.detections[event.nth] = event
            return
        if event.boot in self._boots or (self.hello and event.boot == self.hello.boot):
            self._boots.add(event.boot)
            return
        self._boots.add(event.boot)
        self._expected = None  # a boot begins the count anew
        if self.hello is not None:
            boot, self.hello = self.hello.boot, None
            raise rebooted(boot, event)

    def parse(self, frame: Frame) -> Response:
        """The message of a RESPONSE frame.

        Raises:
            IdentityFailure: a HELLO of another protocol.
            FirmwareFailure: it does not follow the schema.
        """
        try:
            return decode_response(frame.payload)
        except OtherProtocol as other:
            raise other_version("protocol", other.protocol, PROTOCOL) from other
        except MessageError as error:
            raise malformed("a response", frame, error) from error


_AFTER_REBOOT: dict[int, str] = {
    ResetCause.WATCHDOG: "a watchdog (IWDG, WWDG) bit: see what starts it, and why the firmware did not feed it",
    ResetCause.BROWN_OUT: "its supply fell (brown-out): check supply and hub, power-cycle the board, run again",
    ResetCause.PIN: "somebody pulled its reset pin: see whether a probe or another job has it; run again",
}


def rebooted(boot: int, event: BootEvent) -> BoardFailure:
    """The board started again although nobody asked."""
    known = event.reset_cause in list(ResetCause)
    cause = ResetCause(event.reset_cause).name.lower() if known else str(event.reset_cause)
    return BoardFailure(
        f"the board rebooted by itself (reset cause: {cause.replace('_', ' ')})",
        evidence=f"boot {event.boot} after boot {boot}, reset cause {event.reset_cause}",
        next_step=_AFTER_REBOOT.get(event.reset_cause, "check supply and hub; run again"),
    )


def malformed(what: str, frame: Frame, error: MessageError) -> FirmwareFailure:
    """The firmware sent a good frame with a bad message."""
    return FirmwareFailure(
        f"the firmware sent {what} that does not follow nightjar.cddl",
        evidence=f"{error}. Received: {frame.payload[:64].hex()}",
        next_step="flash firmware that was generated by this version of nightjar",
    )


class Refused(FirmwareFailure):
    """The firmware answered a request with an error, which is `response`."""

    def __init__(self, what: str, response: ErrorResponse) -> None:
        known = response.code in list(ErrorCode)
        name = ErrorCode(response.code).name.lower().replace("_", " ") if known else "unknown code"
        super().__init__(
            f"the firmware refused {what}: {name}",
            evidence=f"code {response.code}. Received: {response.detail!r}",
            next_step="flash firmware of this model; report the request if it persists",
        )
        self.response = response


def unexpected(what: str, response: object) -> FirmwareFailure:
    """The firmware answered with another message than asked for."""
    return FirmwareFailure(
        f"the firmware's answer to {what} does not fit the request",
        evidence=f"Received: {str(response)[:200]}",
        next_step="flash firmware that was generated by this version of nightjar",
    )
