"""What a board answered in a recorded session: the bytes of the model's output for each set of inputs."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import cbor2

from host.errors import BadInput
from host.link.cut import Cutter
from host.link.frames import Frame, FrameType, decode_block, parse_data
from host.link.messages import (
    Hello,
    MessageError,
    RunResult,
    Target,
    What,
    decode_response,
)
from host.recording.manifest import NEXT
from host.recording.recording import Recording
from host.recording.records import Kind

_LOAD, _READ = 1, 4  # kinds of requests in firmware/core/link/nightjar.cddl
_MOST_OUTPUT = 64 << 20  # bytes


@dataclass(frozen=True)
class Ran:
    """What was read of output 0 behind the loading of inputs.

    Attributes:
        inputs: the CRC-32 of each, by place; () for a chunk of sound.
        output: its bytes.
        steady: whether every reading and every repeated run gave the same.
    """

    inputs: tuple[int, ...]
    output: bytes
    steady: bool


@dataclass(frozen=True)
class Told:
    """hellos: who answered, each time that it was asked; runs: in order."""

    hellos: tuple[Hello, ...]
    runs: tuple[Ran, ...]


def told(recording: Recording) -> Told:
    """What the frames of a recording tell.

    Raises:
        BadInput: they are damaged, or tell what no session can.
    """
    listener = _Listener()
    try:
        for sent, frame in _frames(recording):
            if sent:
                listener.asked(frame)
            else:
                listener.came(frame)
        listener.close()
    except (ValueError, MessageError) as error:
        raise BadInput(
            "a recording must hold the frames of a session",
            evidence=f"Received: {str(error)[:300]}",
            next_step=NEXT,
        ) from error
    return Told(tuple(listener.hellos), tuple(listener.runs))


def _frames(recording: Recording) -> Iterator[tuple[bool, Frame]]:
    """(whether it was sent to the board, the frame) of every undamaged frame of the session's own link."""
    cutters = {Kind.SENT: Cutter(), Kind.CAME: Cutter()}
    for record in recording.records():
        if record.line or record.kind not in cutters:
            continue
        for cut in cutters[record.kind].feed(record.data):
            frame = decode_block(cut.data.strip(b"\0")) if cut.identity is not None else None
            if frame is not None:
                yield record.kind is Kind.SENT, frame


@dataclass
class _Listener:
    hellos: list[Hello] = field(default_factory=list)
    runs: list[Ran] = field(default_factory=list)
    _loaded: dict[int, int] = field(default_factory=dict)  # CRC-32 by input
    _reading: dict[int, int] = field(default_factory=dict)  # offset asked for, by request
    _output: bytearray = field(default_factory=bytearray)
    _known: bytearray = field(default_factory=bytearray)  # 1 for each byte of it that was read
    _steady: bool = True

    def asked(self, frame: Frame) -> None:
        """A frame to the board."""
        if frame.type != FrameType.REQUEST:
            return
        try:
            words = cbor2.loads(frame.payload)
        except Exception as error:  # of many kinds, some of Python's own
            raise ValueError(f"a request of no CBOR: {error}") from error
        if not isinstance(words, list) or not all(type(word) is int for word in words):
            raise ValueError("a request that is no list of numbers")
        if len(words) == 6 and words[0] == _LOAD:
            _, _, target, index, _, crc = words
            self.close()
            self._loaded = {**self._loaded, index: crc} if target == Target.INPUT else {}
        elif len(words) == 6 and words[0] == _READ and words[2:4] == [What.OUTPUT, 0]:
            self._reading[frame.request] = words[4]

    def came(self, frame: Frame) -> None:
        """A frame from the board."""
        if frame.type == FrameType.DATA and frame.request in self._reading:
            parsed = parse_data(frame.payload)
            if parsed is not None and parsed[0] == self._reading[frame.request]:
                self._read(*parsed)
        elif frame.type == FrameType.RESPONSE:
            response = decode_response(frame.payload)
            if isinstance(response, Hello):
                self.hellos.append(response)
            elif isinstance(response, RunResult):
                self._steady &= response.differing == 0

    def close(self) -> None:
        """No more of these inputs."""
        if self._output and all(self._known):
            inputs = tuple(self._loaded[index] for index in sorted(self._loaded))
            self.runs.append(Ran(inputs, bytes(self._output), self._steady))
        self._output, self._known, self._steady = bytearray(), bytearray(), True
        self._reading.clear()

    def _read(self, offset: int, total: int, piece: bytes) -> None:
        if total > _MOST_OUTPUT:
            raise ValueError(f"an output of {total:,} bytes")
        if len(self._output) != total:
            self._output, self._known = bytearray(total), bytearray(total)
        part = slice(offset, offset + len(piece))
        if all(self._known[part]):
            self._steady &= self._output[part] == piece
        self._output[part], self._known[part] = piece, bytes([1]) * len(piece)
