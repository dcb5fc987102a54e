"""Links that do one thing to frames, and boards that say what they should not."""

import random
import time
from collections.abc import Callable

import cbor2

from host.deadline import Deadline
from host.link.cut import Cut, Cutter
from host.link.faults import AlteredTransport
from host.link.frames import DELIMITER, Frame, FrameType, decode_block, encode
from host.link.transport import Transport
from host.selftest.links import Line, Noise

Mangle = Callable[["Way", bytes], list[bytes]]
_BURST = 8  # bytes
_UNASKED = (FrameType.EVENT, FrameType.LOG)  # nobody asks again for them
_KEPT = 20  # frames that may come once more
_STALL = 0.03  # seconds, at most, that a busy computer does not run us


class Way:
    """The frames of one direction, of which some are mangled."""

    def __init__(self, mangle: Mangle, rate: float, chance: random.Random) -> None:
        self.chance = chance
        self.passed: list[bytes] = []
        self.held: list[bytes] = []
        self.faults = 0
        self._mangle, self._rate, self._cutter = mangle, rate, Cutter()

    def apply(self, data: bytes) -> bytes:
        """What is left of the frames that `data` completes."""
        return b"".join(self._frame(cut) for cut in self._cutter.feed(data))

    def _frame(self, cut: Cut) -> bytes:
        if cut.identity is None or cut.identity[0] in _UNASKED:
            return cut.data
        due, self.held = b"".join(self.held), []
        out = [cut.data]
        if self.chance.random() < self._rate:
            out = self._mangle(self, cut.data)
            self.faults += out != [cut.data]
        self.passed = [*self.passed[-_KEPT:], cut.data]
        return b"".join(out) + due


class Mangled(AlteredTransport):
    """`transport` whose frames are mangled with probability `rate`, both ways or in those that come alone."""

    def __init__(
        self, transport: Transport, mangle: Mangle, rate: float, seed: int, *, both: bool = True
    ) -> None:
        super().__init__(
            transport,
            Way(mangle, rate if both else 0.0, random.Random(f"{seed} out")),
            Way(mangle, rate, random.Random(f"{seed} in")),
        )


def corrupt(way: Way, frame: bytes) -> list[bytes]:
    """One byte becomes another."""
    return [_changed(way, frame, 1)]


def burst(way: Way, frame: bytes) -> list[bytes]:
    """Some bytes in a row become others."""
    return [_changed(way, frame, _BURST)]


def drop(way: Way, frame: bytes) -> list[bytes]:
    """One byte is lost."""
    at = way.chance.randrange(1, len(frame) - 1)
    return [frame[:at] + frame[at + 1 :]]


def truncate(way: Way, frame: bytes) -> list[bytes]:
    """The rest of the frame is lost, its end, too."""
    return [frame[: way.chance.randrange(2, len(frame) - 1)]]


def truncate_data(way: Way, frame: bytes) -> list[bytes]:
    """The same of frames that carry a tensor, and of no other."""
    known = decode_block(frame.strip(DELIMITER))
    tensor = known is not None and known.type == FrameType.DATA
    return truncate(way, frame) if tensor else [frame]


def double(way: Way, frame: bytes) -> list[bytes]:
    """It comes twice."""
    return [frame, frame]


def late(way: Way, frame: bytes) -> list[bytes]:
    """An older one comes once more behind it."""
    return [frame, way.chance.choice([*way.passed, frame])]


def swap(way: Way, frame: bytes) -> list[bytes]:
    """The next one overtakes it."""
    way.held.append(frame)
    return []


def lose(way: Way, frame: bytes) -> list[bytes]:
    """It is lost."""
    return []


def other_link(version: int) -> Mangle:
    """Every frame is one of another version of the link."""

    def mangle(way: Way, frame: bytes) -> list[bytes]:
        known = decode_block(frame.strip(DELIMITER))
        assert known is not None
        return [encode(Frame(known.type, known.sequence, known.request, known.payload, version))]

    return mangle


def other_protocol(version: int) -> Mangle:
    """HELLO says another version of the protocol."""

    def mangle(way: Way, frame: bytes) -> list[bytes]:
        known = decode_block(frame.strip(DELIMITER))
        assert known is not None
        said = cbor2.loads(known.payload) if known.type == FrameType.RESPONSE else [None]
        if said[0] != 0:
            return [frame]
        payload = cbor2.dumps([0, version, *said[2:]])
        return [encode(Frame(known.type, known.sequence, known.request, payload))]

    return mangle


def _changed(way: Way, frame: bytes, count: int) -> bytes:
    at = way.chance.randrange(1, max(2, len(frame) - count))
    hit = bytes(byte ^ way.chance.randrange(1, 256) for byte in frame[at : at + count])
    return frame[:at] + hit + frame[at + count :]


class Babble(Noise):
    """The board says the same text again and again, and nothing else: as a foreign fault handler does."""

    TEXT = b"HardFault_Handler: PC 0x08001234\r\n"

    def piece(self) -> bytes:
        return self.TEXT


class Busy(Line):
    """A computer that does not get to run: each read comes late."""

    def read(self, deadline: Deadline) -> bytes:
        self.struck = True
        time.sleep(self.generator.uniform(0, _STALL))
        return super().read(deadline)


class Stalled(Line):
    """A computer that does not get to run until all time is over; what the board has said is there then."""

    limit: Deadline

    def send(self, data: bytes, deadline: Deadline) -> None:
        super().send(data, deadline)
        if self.struck:
            time.sleep(self.limit.remaining + 0.05)


class Struck(Line):
    """Something of the bench's own happens, once: `happens`."""

    happens: Callable[[], None]

    def strike(self, deadline: Deadline) -> None:
        self.happens()
