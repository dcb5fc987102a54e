"""A transport that damages bytes on purpose: the tester's own test."""

import math
import random
from typing import Literal

from host.deadline import Deadline
from host.link.transport import Transport

Direction = Literal["to_board", "from_board", "both"]


class ByteFaults:
    """Corrupts, drops or doubles bytes of one stream, each with probability `rate` a byte.

    What happens to a byte depends on the seed and on its place in the stream only, not on how the stream is cut.
    """

    def __init__(self, seed: int | str, rate: float) -> None:
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be in [0, 1). Received: rate={rate}")
        self._random = random.Random(seed)
        self._rate = rate
        self.faults = 0
        self._until = self._gap()

    def apply(self, data: bytes) -> bytes:
        """The next bytes of the stream, with their faults."""
        out = bytearray()
        start = 0
        while self._until < len(data) - start:
            place = start + int(self._until)
            out += data[start:place]
            out += self._damage(data[place])
            start = place + 1
            self._until = self._gap()
        self._until -= len(data) - start
        return bytes(out + data[start:])

    def _gap(self) -> float:
        """Good bytes before the next fault: geometric."""
        if self._rate == 0:
            return math.inf
        return math.floor(math.log(1 - self._random.random()) / math.log1p(-self._rate))

    def _damage(self, byte: int) -> bytes:
        self.faults += 1
        kind = self._random.randrange(3)
        if kind == 0:
            return bytes([byte ^ self._random.randrange(1, 256)])
        return b"" if kind == 1 else bytes([byte, byte])


class FrameFaults:
    """`transport` whose writes, each a frame, are lost or doubled, each with probability `rate`; or replayed `late`."""

    def __init__(self, transport: Transport, *, seed: int, rate: float, late: bool) -> None:
        self._transport = transport
        self._random = random.Random(seed)
        self._rate = rate
        self._late = late
        self._sent: list[bytes] = []
        self.faults = 0

    def write(self, data: bytes, deadline: Deadline) -> None:
        self._sent = [*self._sent[-20:], data]
        frames = [data]
        kind = self._random.random() // self._rate if self._rate else 9
        if kind == 0:
            frames = []
        elif kind == 1:
            frames = [data, data]
        elif kind == 2 and self._late:
            frames = [data, self._random.choice(self._sent)]
        self.faults += len(frames) != 1
        for frame in frames:
            self._transport.write(frame, deadline)

    def read(self, deadline: Deadline) -> bytes:
        return self._transport.read(deadline)

    def close(self) -> None:
        self._transport.close()


class FaultyTransport:
    """`transport` with faults at `rate` a byte in `direction`; the same seed and bytes give the same faults."""

    def __init__(
        self, transport: Transport, *, seed: int, rate: float, direction: Direction = "both"
    ) -> None:
        if direction not in ("to_board", "from_board", "both"):
            raise ValueError(f"no such direction. Received: direction={direction!r}")
        self._transport = transport
        self._out = ByteFaults(f"{seed} to_board", rate if direction != "from_board" else 0)
        self._in = ByteFaults(f"{seed} from_board", rate if direction != "to_board" else 0)

    @property
    def faults(self) -> int:
        """Bytes damaged up to now."""
        return self._out.faults + self._in.faults

    def write(self, data: bytes, deadline: Deadline) -> None:
        damaged = self._out.apply(data)
        if damaged:
            self._transport.write(damaged, deadline)

    def read(self, deadline: Deadline) -> bytes:
        while True:
            data = self._transport.read(deadline)
            if not data:
                return b""
            damaged = self._in.apply(data)
            if damaged:
                return damaged

    def close(self) -> None:
        self._transport.close()
