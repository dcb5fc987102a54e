"""For tests: a board in Python that answers as it is told, and a recording of a session with it."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cbor2

from host.deadline import Deadline
from host.files import sha256_bytes
from host.link.client import Client
from host.link.frames import Frame, FrameType, StreamDecoder, data_payload, encode, parse_data
from host.link.messages import PROTOCOL, Mode, Stages, What
from host.recording import archive
from host.recording.manifest import Manifest
from host.recording.recording import Recording
from host.recording.records import Kind, Stream

Outputs = Callable[[tuple[bytes, ...], int], bytes]  # of the inputs and of how often they were run


@dataclass
class Board:
    """Speaks the link's protocol; what the model computes is `outputs`.

    differing: runs of one RUN that gave something else. stream: what passed, as a recording has it.
    """

    model: bytes
    outputs: Outputs
    backend: str = "neural_art"
    differing: int = 0
    stream: Stream = field(default_factory=Stream)
    _decoder: StreamDecoder = field(default_factory=StreamDecoder)
    _answers: list[bytes] = field(default_factory=list)
    _inputs: dict[int, bytes] = field(default_factory=dict)
    _loading: dict[int, tuple[int, bytearray, int]] = field(default_factory=dict)
    _runs: int = 0

    def write(self, data: bytes, deadline: Deadline) -> None:
        self.stream.put(Kind.SENT, self._next(), 0, data)
        for frame in self._decoder.feed(data):
            assert isinstance(frame, Frame)
            if frame.type == FrameType.REQUEST:
                self._asked(frame.request, cbor2.loads(frame.payload))
            elif frame.type == FrameType.DATA:
                self._data(frame)

    def read(self, deadline: Deadline) -> bytes:
        data, self._answers = b"".join(self._answers), []
        self.stream.put(Kind.CAME, self._next(), 0, data)
        return data

    def close(self) -> None:
        pass

    def _next(self) -> int:
        return self.stream.count

    def _say(self, kind: FrameType, request: int, payload: bytes) -> None:
        self._answers.append(encode(Frame(kind, len(self._answers), request, payload)))

    def _respond(self, request: int, *words: object) -> None:
        self._say(FrameType.RESPONSE, request, cbor2.dumps(list(words)))

    def _asked(self, request: int, words: list[int]) -> None:
        if words[0] == 0:
            model = bytes.fromhex(sha256_bytes(self.model))
            texts = ("stm32n6570-dk", "gcc 12.2", self.backend, "", "none")
            zeros = (0,) * 7
            self._respond(
                request, 0, PROTOCOL, words[1], 1, b"", 0, model, bytes(32), *texts, *zeros, b"", [], 0, 0
            )  # fmt: skip
        elif words[0] == 1:
            self._loading[request] = words[3], bytearray(), words[4]
            self._say(FrameType.CREDIT, request, (0).to_bytes(4, "little"))
        elif words[0] == 2:
            self._runs += 1
            self._respond(request, 2, words[3], self.differing, zlib.crc32(self._output))
        elif words[0] == 4:
            piece = self._output[words[4] : words[4] + words[5]]
            self._say(FrameType.DATA, request, data_payload(words[4], len(self._output), piece))

    def _data(self, frame: Frame) -> None:
        parsed = parse_data(frame.payload)
        assert parsed is not None
        index, got, total = self._loading[frame.request]
        got += parsed[2]
        self._say(FrameType.CREDIT, frame.request, len(got).to_bytes(4, "little"))
        if len(got) == total:
            self._inputs[index] = bytes(got)
            self._runs = 0
            self._respond(frame.request, 1, total, zlib.crc32(got))

    @property
    def _output(self) -> bytes:
        return self.outputs(tuple(self._inputs[i] for i in sorted(self._inputs)), self._runs)


def record(
    board: Board, vectors: Sequence[Sequence[bytes]], size: int, *, model: bytes | None = None
) -> Recording:
    """A session that loads each vector, runs it twice, and reads output 0 of `size` bytes behind each run.

    Args:
        board: that answers.
        vectors: the inputs of each.
        size: of the output.
        model: that the recording holds; None: the board's own.
    """
    client, deadline = Client(board), Deadline.after(60)
    client.hello(deadline)
    for inputs in vectors:
        for index, data in enumerate(inputs):
            client.load_input(index, data, deadline)
        for mode in (Mode.PLAIN, Mode.TAPPED):
            client.run(Stages.MODEL, times=2, mode=mode, deadline=deadline)
            client.read(What.OUTPUT, 0, 0, size, deadline)
    members = {
        f"{archive.SUBJECT}/model.tflite": board.model if model is None else model,
        archive.FRAMES: bytes(board.stream),
    }
    texts = {"line": "nightjar verify", "board": "n6-virtual", "generator": "", "model": "m"}
    numbers = {"vectors": 0, "given": len(vectors), "seed": 0, "repeats": 1, "origin": 0}
    manifest = Manifest(**texts, **numbers, versions={}, project="p", bundle=False)  # type: ignore[arg-type]
    return Recording(manifest, members)
