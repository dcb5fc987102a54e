"""Links to which something happens in the middle of a session; each is put around a native board's transport."""

import os
import random
import signal
import time

import cbor2

from host.deadline import Deadline
from host.link.cut import Cutter
from host.link.faults import Direction
from host.link.frames import DELIMITER, Frame, FrameType, decode_block, encode
from host.link.messages import reset_request
from host.link.transport import Transport
from host.link.unix_stream import UnixStream

_PAUSE = 0.004  # seconds between two pieces of noise: 16 kB/s, as on a serial line
_PIECE = 64  # bytes of noise
_APART = 0x1000  # ids between a request of ours and the client's own


class Line:
    """A link that is as it was, until the client sends its frame number `after`.

    board: the transport of the board itself. link: what is put around it, and damages what passes. generator: draws
    the client's ids and nonces, so that a session can be repeated.

    frames, repeats: what was sent, and how much of it had been asked before. struck: what was to happen has happened.
    certain: it came before a request that was sent for the first time, so nobody can have gone on without an answer.
    """

    def __init__(
        self, board: Transport, link: Transport, generator: random.Random, after: int
    ) -> None:
        self.board = board
        self.link = link
        self.generator = generator
        self.frames = self.repeats = 0
        self.struck = self.certain = False
        self._after = after
        self._asked: set[int] = set()
        self._last: Frame | None = None

    def write(self, data: bytes, deadline: Deadline) -> None:
        frame = decode_block(data.strip(DELIMITER))
        assert frame is not None
        asks = frame.type == FrameType.REQUEST
        if not self.struck and self.frames >= self._after and self.ready():
            self.struck, self.certain = True, asks and frame.request not in self._asked
            self.strike(deadline)
        self.frames += 1
        if asks:
            self.repeats += frame.request in self._asked
            self._asked.add(frame.request)
            self._last = frame
        self.send(data, deadline)

    def read(self, deadline: Deadline) -> bytes:
        return self.link.read(deadline)

    def close(self) -> None:
        self.link.close()

    def ready(self) -> bool:
        """Whether it can happen now."""
        return True

    def strike(self, deadline: Deadline) -> None:
        """What happens."""

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Hand a frame on."""
        self.link.write(data, deadline)


class Dead(Line):
    """Nothing passes any more in `direction`."""

    direction: Direction = "both"

    def send(self, data: bytes, deadline: Deadline) -> None:
        if not self.struck or self.direction == "from_board":
            super().send(data, deadline)

    def read(self, deadline: Deadline) -> bytes:
        if self.struck and self.direction != "to_board":
            time.sleep(deadline.remaining)
            return b""
        return super().read(deadline)


class Deaf(Dead):
    """The board hears nothing any more."""

    direction = "to_board"


class Numb(Dead):
    """Nothing comes from the board any more."""

    direction = "from_board"


class Noise(Line):
    """Noise comes for ever, and nothing else."""

    def read(self, deadline: Deadline) -> bytes:
        if not self.struck:
            return super().read(deadline)
        time.sleep(min(_PAUSE, deadline.remaining))
        return self.piece()

    def piece(self) -> bytes:
        return self.generator.randbytes(_PIECE)


class Zeros(Noise):
    """Zeros come for ever: delimiters of frames that never begin."""

    def piece(self) -> bytes:
        return bytes(_PIECE)


class Chatter(Line):
    """Text and bytes stand between the frames that come, from the beginning on; nothing is lost."""

    def read(self, deadline: Deadline) -> bytes:
        data = super().read(deadline)
        if not data:
            return data
        before, behind = self.generator.choices(
            (b"", b"boot rom 1.2\r\n", bytes(5), b"\xff\xfe"), k=2
        )
        return before + data + behind


class Boots(Line):
    """Each event of a boot comes twice, and once more when the line is struck."""

    def __init__(
        self, board: Transport, link: Transport, generator: random.Random, after: int
    ) -> None:
        super().__init__(board, link, generator, after)
        self._cutter = Cutter()
        self._events = b""
        self._due = b""

    def read(self, deadline: Deadline) -> bytes:
        out, self._due = self._due, b""
        while not out and (data := super().read(deadline)):
            for cut in self._cutter.feed(data):
                event = cut.identity is not None and cut.identity[0] == FrameType.EVENT
                out += cut.data * (2 if event else 1)
                self._events += cut.data if event else b""
            if deadline.expired:
                break
        return out

    def strike(self, deadline: Deadline) -> None:
        self._due = self._events


class Reset(Line):
    """The board starts again: somebody else has asked it to."""

    def ready(self) -> bool:
        return self._last is not None

    def strike(self, deadline: Deadline) -> None:
        assert self._last is not None
        session = cbor2.loads(self._last.payload)[1]
        request = (self._last.request + _APART) % (1 << 16)
        frame = Frame(FrameType.REQUEST, 0, request, reset_request(session))
        self.board.write(encode(frame), deadline)


class Killed(Line):
    """The process of the board is killed."""

    signal = signal.SIGKILL

    def strike(self, deadline: Deadline) -> None:
        assert isinstance(self.board, UnixStream)
        os.kill(self.board.peer, self.signal)


class Frozen(Killed):
    """The process of the board is stopped, and lives."""

    signal = signal.SIGSTOP
