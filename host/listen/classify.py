"""Recordings through host and board: chunks, scores, labels with times."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from host.bundle import Subject
from host.compare.expect import Oracle
from host.compare.layers import read_structure
from host.compare.networks import judged_network
from host.compare.observe import Inferred
from host.compare.tensors import Array, differing_positions
from host.compare.vectors import Vector
from host.errors import BadInput
from host.listen.feed import Feed, Way, feeds
from host.listen.pooling import Detection, activate, detect
from host.listen.stride import nearest_stride
from host.printable import printable
from host.project import Project

SCHEMA = "nightjar/classify/1"
Infer = Callable[[Feed], Inferred]
# How a chunk came to the board, for people.
WAYS = {
    Way.WHOLE: "loaded whole",
    Way.FIRST: "first of a stream",
    Way.NEXT: "streamed on",
}


@dataclass(frozen=True, eq=False)
class Recording:
    """int16 mono [samples] at the contract's rate."""

    path: Path
    samples: npt.NDArray[np.int16]


@dataclass(frozen=True)
class ChunkCost:
    """What a chunk cost on the board, in HELLO's unit; `start` in samples of the recording."""

    start: int
    way: Way
    frontend: int
    model: int


@dataclass(frozen=True)
class Heard:
    """What host and board made of a recording. `differing` counts the scores that are not the same step."""

    file: str
    seconds: float
    chunks: int
    host: tuple[Detection, ...]
    board: tuple[Detection, ...] | None
    differing: int
    costs: tuple[ChunkCost, ...] = ()  # of each chunk, on a board


class Listener:
    """Classifies recordings with one bundle.

    With `stream` the board is sent each sample once. Its chunks are whole hops apart: `overlap` is the nearest share
    that allows it, for the host as well, and `rounded` says so where it is not the one that was asked for.
    """

    def __init__(
        self,
        subject: Subject,
        *,
        overlap: float,
        how: str,
        top_k: int,
        stream: bool = False,
        project: Project | None = None,
    ) -> None:
        assert subject.contract is not None
        self.contract = subject.contract
        self.stride = 0  # of the stream
        self.overlap = overlap
        self.rounded = ""
        if stream:
            self._stream(overlap)
        self.how = how
        self.top_k = top_k
        network = None if project is None else judged_network(project)
        self.oracle = Oracle(
            subject,
            read_structure(subject.model) if network is None else network.structure,
            "tflite" if project is None else project.description.rules,
            judging=None if network is None else network.judging,
        )

    def open(self, path: Path) -> Recording:
        """Decode a file by the chunk contract.

        Raises:
            BadInput: it is not a readable recording.
        """
        from model_gen.audio.decode import decode

        return Recording(path, decode(path, self.contract.frontend.sample_rate))

    def _stream(self, asked: float) -> None:
        frontend = self.contract.frontend
        size, hop = frontend.chunk_samples, frontend.hop
        self.stride = nearest_stride(size, hop, asked)
        if self.stride != max(1, round(size * (1.0 - asked))):
            self.overlap = 1.0 - self.stride / size
            self.rounded = (
                f"an overlap of {asked:g} is no whole number of hops of {hop} samples: the stream goes on by"
                f" {self.stride:,} samples, as with --overlap {self.overlap:.9g}"
            )

    def listen(self, recording: Recording, infer: Infer | None) -> Heard:
        """Classify every chunk on the host, and with `infer` on a board, too."""
        from model_gen.audio.chunks import chunk_starts, cut

        frontend = self.contract.frontend
        starts = chunk_starts(len(recording.samples), frontend.chunk_samples, self.overlap)
        chunks = cut(recording.samples, starts, frontend.chunk_samples)
        vectors = [Vector(i, chunk=chunk) for i, chunk in enumerate(chunks)]
        host = self._host(vectors)
        sent = feeds(recording.samples, starts, frontend.chunk_samples, self.stride)
        inferred = [] if infer is None else [infer(feed) for feed in sent]
        board = None if infer is None else self._table([one.outputs for one in inferred])
        if board is not None and differing_positions(board, host).any():
            host = self._host(vectors, confirmed=True)
        return Heard(
            file=str(recording.path),
            seconds=len(recording.samples) / frontend.sample_rate,
            chunks=len(vectors),
            host=self._detect(host, starts, recording),
            board=None if board is None else self._detect(board, starts, recording),
            differing=0 if board is None else int(differing_positions(board, host).sum()),
            costs=tuple(
                ChunkCost(start, feed.way, one.frontend_cost, one.model_cost)
                for start, feed, one in zip(starts, sent, inferred, strict=False)
            ),
        )

    def _host(self, vectors: Sequence[Vector], *, confirmed: bool = False) -> Array:
        """The reference's scores; `confirmed`: computed now, whatever was kept."""
        outputs = []
        for vector in vectors:
            expected = self.oracle.expect(vector)
            if confirmed:
                expected.confirm()
            outputs.append(expected.outputs)
        return self._table(outputs)

    def _table(self, outputs: Sequence[tuple[Array, ...]]) -> Array:
        """Steps [chunks, labels]."""
        table = np.stack([given[0].reshape(-1) for given in outputs])
        if table.shape[1] != len(self.contract.labels):
            raise BadInput(
                "the model has another number of scores than the contract has labels",
                evidence=f"Received: {table.shape[1]} scores, {len(self.contract.labels)} labels",
            )
        return table

    def _detect(
        self, steps: Array, starts: list[int], recording: Recording
    ) -> tuple[Detection, ...]:
        output, frontend = self.contract.output, self.contract.frontend
        scores = activate(steps, output.scale, output.zero_point, self.contract.output_activation)
        found = detect(
            scores,
            self.contract.labels,
            starts,
            chunk=frontend.chunk_samples,
            length=len(recording.samples),
            rate=frontend.sample_rate,
            how=self.how,
            top_k=self.top_k,
        )
        return tuple(found)


def as_json(
    heard: Sequence[Heard],
    listener: Listener,
    *,
    board: str,
    build_id: str | None,
    unit: str,
) -> dict[str, Any]:
    """`nightjar/classify/1`. stride_samples: of the stream, 0 without one; cost_unit: "none" if nothing is counted."""
    return {
        "schema": SCHEMA,
        "board": board,
        "build_id": build_id,
        "pool": listener.how,
        "overlap": listener.overlap,
        "stride_samples": listener.stride,
        "cost_unit": unit,
        "files": [asdict(result) for result in heard],
    }


def show(heard: Sequence[Heard], *, unit: str, to_stderr: bool) -> None:
    """Print host and board side by side, and what the frontend cost in `unit`."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(stderr=to_stderr)
    if not console.is_terminal:
        console.width = 120
    for result in heard:
        many = "chunk" if result.chunks == 1 else "chunks"
        table = Table(
            title=f"{escape(printable(result.file))}: {result.seconds:.1f} s, {result.chunks} {many}",
            title_justify="left",
        )
        for side in ("host", "board"):
            table.add_column(side)
            table.add_column("score", justify="right")
            table.add_column("seconds", justify="right")
        board = result.board if result.board is not None else (None,) * len(result.host)
        for one, other in zip(result.host, board, strict=True):
            table.add_row(*_cells(one), *_cells(other))
        console.print(table)
        if result.board is not None:
            state = "the same on both" if not result.differing else f"{result.differing} DIFFER"
            console.print(f"scores: {state}", highlight=False)
            if unit != "none":
                console.print(f"frontend, {unit} a chunk: {_frontend(result)}", highlight=False)


def _frontend(result: Heard) -> str:
    """The mean cost of the frontend, by how the chunk came to the board."""
    parts = []
    for way, name in WAYS.items():
        costs = [cost.frontend for cost in result.costs if cost.way is way]
        if costs:
            parts.append(f"{round(sum(costs) / len(costs)):,} {name} ({len(costs)})")
    return ", ".join(parts)


def _cells(detection: Detection | None) -> tuple[str, str, str]:
    if detection is None:
        return "", "", ""
    from rich.markup import escape

    times = f"{detection.start:.2f} - {detection.end:.2f}"
    return escape(printable(detection.label)), f"{detection.score:.3f}", times
