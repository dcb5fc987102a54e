"""Transports that damage what passes on purpose: how the tester tests itself.

Faults are keyed by content: what happens to a byte depends on the seed, the direction, the frame it
belongs to, how often that frame has passed, and its place in it. So a retry that comes late, or
bytes that are batched otherwise, move no other fault, and a session that is repeated with the same
seed meets the same ones.
"""

import math
import random
import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from host.deadline import Deadline
from host.errors import BadInput
from host.link.cut import Cut, Cutter, Identity
from host.link.frames import DELIMITER
from host.link.transport import Transport

Direction = Literal["to_board", "from_board", "both"]
_FORM = "faults are seed=N,rate=R with 0 <= R < 1, then perhaps ,direction=to_board or from_board"


@dataclass(frozen=True)
class Faults:
    """Each byte is corrupted, dropped or doubled with probability `rate`, in [0, 1)."""

    seed: int
    rate: float
    direction: Direction = "both"

    def wrap(self, transport: Transport) -> "FaultyTransport":
        """`transport` with these faults."""
        return FaultyTransport(transport, seed=self.seed, rate=self.rate, direction=self.direction)


def client_seed(seed: int) -> str:
    """What seeds the ids and nonces of a client behind faults of `seed`: the same ones meet the same faults."""
    return f"{seed} client"


def parse_faults(text: str) -> Faults:
    """What "seed=7,rate=1e-3" says.

    Raises:
        BadInput: it says something else.
    """
    form = re.fullmatch(
        r"seed=(\d{1,18}),rate=(\d+(?:\.\d*)?(?:e[+-]?\d{1,3})?)(?:,direction=(\w+))?",
        text,
        re.ASCII,
    )
    direction = form[3] or "both" if form else ""
    if form is None or not float(form[2]) < 1 or direction not in get_args(Direction):
        raise BadInput(
            _FORM,
            evidence=f"Received: {text!r}",
            next_step="give for example seed=7,rate=1e-3",
        )
    chosen: Direction = next(d for d in get_args(Direction) if d == direction)
    return Faults(int(form[1]), float(form[2]), chosen)


def damage(data: bytes, key: str, rate: float) -> tuple[bytes, int]:
    """`data` with bytes corrupted, dropped or doubled, each with probability `rate`; and how many.

    The same key hits the same places in the same ways, whatever the bytes are.
    """
    if not rate:
        return data, 0
    draw, out, start, faults = random.Random(key), bytearray(), 0, 0
    while True:
        # Good bytes before the next fault: geometric.
        place = start + math.floor(math.log(1 - draw.random()) / math.log1p(-rate))
        if place >= len(data):
            return bytes(out + data[start:]), faults
        out += data[start:place]
        kind, flip = draw.randrange(3), draw.randrange(1, 256)
        out += [bytes([data[place] ^ flip]), b"", data[place : place + 1] * 2][kind]
        start, faults = place + 1, faults + 1


class ByteFaults:
    """The faults of one direction."""

    def __init__(self, seed: int, direction: str, rate: float) -> None:
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be in [0, 1). Received: rate={rate}")
        self.faults = 0
        self._key = f"{seed} {direction}"
        self._rate = rate
        self._cutter = Cutter()
        self._attempts: Counter[Identity] = Counter()
        self._between = 0  # bytes

    def apply(self, data: bytes) -> bytes:
        """The bytes of the stream that `data` completes, with their faults.

        The beginning of a frame is held back.
        """
        return b"".join(self._damaged(cut) for cut in self._cutter.feed(data))

    def _damaged(self, cut: Cut) -> bytes:
        if cut.identity is None:
            key = f"{self._key} between {self._between}"
            self._between += len(cut.data)
            return self._hit(cut.data, key)
        key = f"{self._key} {cut.identity} {self._attempts[cut.identity]}"
        self._attempts[cut.identity] += 1
        # Its first delimiter may be another's last: it must not move the places of the rest.
        block = cut.data.removeprefix(DELIMITER)
        lead = cut.data[: len(cut.data) - len(block)]
        return self._hit(lead, f"{key} lead") + self._hit(block, key)

    def _hit(self, data: bytes, key: str) -> bytes:
        out, faults = damage(data, key, self._rate)
        self.faults += faults
        return out


class Stream(Protocol):
    """What alters the bytes of one direction."""

    faults: int

    def apply(self, data: bytes) -> bytes:
        """What the other side is given of those that `data` completes."""


class AlteredTransport:
    """`transport` whose bytes pass a stream each way."""

    def __init__(self, transport: Transport, to_board: Stream, from_board: Stream) -> None:
        self._transport, self._out, self._in = transport, to_board, from_board

    @property
    def faults(self) -> int:
        """What was altered up to now, as the streams count it."""
        return self._out.faults + self._in.faults

    def write(self, data: bytes, deadline: Deadline) -> None:
        if left := self._out.apply(data):
            self._transport.write(left, deadline)

    def read(self, deadline: Deadline) -> bytes:
        while data := self._transport.read(deadline):
            if (left := self._in.apply(data)) or deadline.expired:
                return left
        return b""

    def close(self) -> None:
        self._transport.close()


class FaultyTransport(AlteredTransport):
    """`transport` with faults at `rate` a byte in `direction`; `faults` counts bytes."""

    def __init__(
        self, transport: Transport, *, seed: int, rate: float, direction: Direction = "both"
    ) -> None:
        if direction not in get_args(Direction):
            raise ValueError(f"no such direction. Received: direction={direction!r}")
        super().__init__(
            transport,
            ByteFaults(seed, "to_board", rate if direction != "from_board" else 0),
            ByteFaults(seed, "from_board", rate if direction != "to_board" else 0),
        )
        self.generator = random.Random(client_seed(seed))


class FrameFaults(AlteredTransport):
    """`transport` whose frames, both ways, are lost or doubled, each with probability `rate`; `faults` counts frames.

    With `late`, one of the last that came may also come once more, with the same probability.
    """

    def __init__(self, transport: Transport, *, seed: int, rate: float, late: bool) -> None:
        super().__init__(
            transport,
            _FrameStream(f"{seed} to_board", rate, late),
            _FrameStream(f"{seed} from_board", rate, late),
        )


class _FrameStream:
    """The frames of one direction."""

    def __init__(self, key: str, rate: float, late: bool) -> None:
        self.faults = 0
        self._draw = random.Random(key)
        self._rate = rate
        self._late = late
        self._cutter = Cutter()
        self._passed: list[bytes] = []

    def apply(self, data: bytes) -> bytes:
        return b"".join(
            frame for cut in self._cutter.feed(data) for frame in self._faulty(cut.data)
        )

    def _faulty(self, data: bytes) -> list[bytes]:
        kind = self._draw.random() // self._rate if self._rate else 9
        if kind == 0:
            self.faults += 1
            return []
        frames = [data]
        self._passed = [*self._passed[-20:], data]
        if kind == 1:
            frames.append(data)
        elif kind == 2 and self._late:
            frames.append(self._draw.choice(self._passed))
        self.faults += len(frames) - 1
        return frames
