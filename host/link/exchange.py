"""One connection: frames in and out, events, retry timing, and what a silence means."""

import secrets
import time
from collections import deque

from host.deadline import Deadline
from host.errors import (
    BoardFailure,
    FirmwareFailure,
    HostFailure,
    IdentityFailure,
    LinkFailure,
    NightjarError,
)
from host.link.frames import VERSION, Frame, FrameType, StreamDecoder, encode
from host.link.messages import (
    BootEvent,
    ErrorCode,
    ErrorResponse,
    FaultEvent,
    Hello,
    MessageError,
    ResetCause,
    Response,
    decode_event,
    decode_response,
)
from host.link.registers import FirmwareFault
from host.link.stats import LinkStats
from host.link.transport import Transport

_FIRST_RETRY = 0.025  # seconds, of a small request before any round trip was timed
_SHORTEST_RETRY = 0.005
_LONGEST_RETRY = 0.5
_KEPT_LOGS = 200
_SEQUENCES = 1 << 16
# A board that rebooted, and whose boot event was lost, counts its frames from 0 again.
_JUST_STARTED = 256
_MOST_LOST = 1024
# A silence is the firmware's when a link as bad as this one has been would explain it with less than this probability.
_CREDIBLE = 1e-4


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
        """A first attempt was answered after `seconds`."""
        old = self._round_trip
        self._round_trip = seconds if old is None else 0.8 * old + 0.2 * seconds


class Exchange:
    """Sends frames, takes frames, and raises what the board says by itself.

    After `established` is set, a boot event is an unexpected reboot.
    """

    def __init__(self, transport: Transport, stats: LinkStats | None = None) -> None:
        self.stats = LinkStats() if stats is None else stats
        self.logs: deque[str] = deque(maxlen=_KEPT_LOGS)
        self.pace = Pace()
        self.hello: Hello | None = None
        self.boots: list[BootEvent] = []
        self.last_damage = 0
        self._transport = transport
        self._decoder = StreamDecoder()
        self._sequence = 0
        self._expected: int | None = None
        self._request = secrets.randbelow(_SEQUENCES)
        self._answered = 0  # attempts that were answered
        self._unanswered = 0  # attempts that were not, though a later one was

    @property
    def noise(self) -> bytes:
        """The last bytes that came outside frames."""
        return bytes(self._decoder.noise) + self._decoder.partial

    def next_request(self) -> int:
        """A fresh request id, 1 to 65535."""
        self._request = self._request % (_SEQUENCES - 1) + 1
        return self._request

    def send(self, kind: FrameType, request: int, payload: bytes, deadline: Deadline) -> None:
        """Send one frame."""
        data = encode(Frame(kind, self._sequence, request, payload))
        self._sequence = (self._sequence + 1) % _SEQUENCES
        self.stats.frames_out += 1
        self.stats.bytes_out += len(data)
        self._transport.write(data, deadline)

    def drain(self) -> None:
        """Throw away what has already come, and forget what had begun."""
        now = Deadline.after(0)
        while data := self._transport.read(now):
            self.stats.bytes_in += len(data)
        self._decoder = StreamDecoder()
        self._expected = None

    def restarted(self) -> None:
        """The board was told to start again: its next frame has any sequence number."""
        self._expected = None

    def receive(self, deadline: Deadline) -> list[Frame]:
        """Wait for bytes once; the RESPONSE, DATA and CREDIT frames among them, [] at the deadline.

        Also returns (with []) as soon as damaged bytes came, so that the caller may send again at once.

        Raises:
            FirmwareFault: the firmware reported a fault.
            BoardFailure: it has started again, or the transport is gone.
            IdentityFailure: it speaks another version of the frames.
        """
        data = self._transport.read(deadline)
        self.stats.bytes_in += len(data)
        frames = self._decoder.feed(data)
        self.stats.crc_errors += self._decoder.damaged - self.last_damage
        self.last_damage = self._decoder.damaged
        self.stats.noise_bytes = self._decoder.noise_bytes
        return [frame for frame in frames if self._keep(frame)]

    def _keep(self, frame: Frame) -> bool:
        self.stats.frames_in += 1
        if frame.version != VERSION:
            raise IdentityFailure(
                "the board speaks another version of the link",
                evidence=f"its frames have version {frame.version}, the host's {VERSION}",
                next_step="flash firmware that was generated by this version of nightjar",
            )
        # An event speaks for itself: a boot begins the count anew.
        expected = None if frame.type == FrameType.EVENT else self._expected
        if expected is not None and frame.sequence != expected:
            gap = (frame.sequence - expected) % _SEQUENCES
            if self.hello is not None and gap > _MOST_LOST and frame.sequence < _JUST_STARTED:
                boot, self.hello = self.hello.boot, None
                event = BootEvent(boot, ResetCause.UNKNOWN)
                raise rebooted(boot, event, "its sequence numbers started again")
            self.stats.gaps += gap
        self._expected = (frame.sequence + 1) % _SEQUENCES
        if frame.type == FrameType.LOG:
            self.logs.append(frame.payload.decode(errors="replace"))
            return False
        if frame.type == FrameType.EVENT:
            self._event(frame)
            return False
        return frame.type in (FrameType.RESPONSE, FrameType.DATA, FrameType.CREDIT)

    def _event(self, frame: Frame) -> None:
        try:
            event = decode_event(frame.payload)
        except MessageError as error:
            raise malformed("an event", frame, error) from error
        if isinstance(event, FaultEvent):
            raise FirmwareFault(event)
        self.boots.append(event)
        if self.hello is not None:
            boot, self.hello = self.hello.boot, None
            raise rebooted(boot, event)

    def parse(self, frame: Frame) -> Response:
        """The message of a RESPONSE frame.

        Raises:
            FirmwareFailure: it does not follow the schema.
        """
        try:
            return decode_response(frame.payload)
        except MessageError as error:
            raise malformed("a response", frame, error) from error

    def answered(self, attempts: int) -> None:
        """A request was answered after so many attempts.

        Those of the first HELLO do not count: a board that boots is silent, on the best of links.
        """
        if self.hello is not None:
            self._answered += 1
            self._unanswered += attempts - 1

    def silence(self, what: str, attempts: int, before: LinkStats, seconds: float) -> NightjarError:
        """What it means that the deadline of `what` passed; `before` is a copy of the counters at its start."""
        if not attempts:
            kind = HostFailure if before.clean else LinkFailure
            return kind(
                f"the time that was given was over before {what} could be asked",
                evidence=f"link so far: {self.stats}",
                next_step="give it a longer deadline, or run it on a less busy machine",
            )
        # Late answers to earlier requests say nothing about this one.
        stale = self.stats.stale - before.stale
        heard = self.stats.frames_in - before.frames_in - stale
        damaged = self.stats.crc_errors - before.crc_errors
        evidence = (
            f"{what}: {attempts} attempts in {seconds:.1f} s, {heard} good and {damaged} damaged frames came; "
            f"link so far: {self.stats}"
        )
        if self.noise:
            evidence += f"; bytes outside frames: {self.noise[-200:]!r}"
        if self.logs:
            evidence += f"; last log: {self.logs[-1]!r}"
        loss = (self._unanswered + 1) / (self._answered + self._unanswered + 2)
        lossy = before.crc_errors or before.gaps or self._unanswered
        suspect = lossy and loss**attempts > _CREDIBLE
        if damaged or heard or suspect:
            return LinkFailure(
                "the link lost or damaged more than retries could mend before the deadline",
                evidence=evidence,
                next_step="check cable, speed and supply; raise the deadline if the link is slow",
            )
        if self.hello is not None:
            return FirmwareFailure(
                f"no answer from the firmware to {what}",
                evidence=evidence,
                next_step="the firmware hangs: attach gdb to the board, or flash it again",
            )
        if self.stats.noise_bytes or self.noise or self.stats.crc_errors:
            return LinkFailure(
                "bytes came from the board, but no frame",
                evidence=evidence,
                next_step="check the speed of the port, and that Nightjar's firmware runs",
            )
        return BoardFailure(
            "the board is silent",
            evidence=evidence,
            next_step="check power and cable, flash the board, then try again",
        )


def now() -> float:
    """Seconds of the monotonic clock."""
    return time.monotonic()


def rebooted(boot: int, event: BootEvent, how: str = "") -> BoardFailure:
    """The board started again although nobody asked."""
    known = event.reset_cause in list(ResetCause)
    cause = ResetCause(event.reset_cause).name.lower() if known else str(event.reset_cause)
    return BoardFailure(
        f"the board rebooted by itself (reset cause: {cause.replace('_', ' ')})",
        evidence=how or f"boot {event.boot} after boot {boot}, reset cause {event.reset_cause}",
        next_step="check supply and hub; run again",
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
