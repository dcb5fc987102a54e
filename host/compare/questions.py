"""The questions of a session: which apply to a subject on a board, and what does not apply, with the reason."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from host.compare.layers import Structure
from host.compare.vectors import node_id
from host.files import sha256_bytes
from host.project import Tap
from host.report.verdict import NotApplicable

# Share of a chunk from one to the next of a stream. The last leaves a gap between chunks.
STRIDES = {"half": 0.5, "quarter": 0.25, "gap": 1.25}


class Kind(StrEnum):
    """What a question is about."""

    IDENTITY = "identity"
    FEATURES = "features"  # the spectrogram of a chunk
    INPUT = "input"  # the model's inputs
    TENSOR = "tensor"  # one op output
    SCORES = "scores"  # the model's outputs as they are sent
    STAGES = "stages"  # what frontend and model cost
    COST = "cost"  # what one layer costs
    REPEATED = "repeated"  # the same input again and again
    UNTAPPED = "untapped"  # the run without taps
    STREAM = "stream"  # overlapping chunks while samples arrive
    SOAK = "soak"  # many inferences on one link


# Answered by comparing two digests: these are held against each other once more by who reads the proof.
COMPARED = frozenset({Kind.FEATURES, Kind.INPUT, Kind.TENSOR, Kind.SCORES})
# What an observation of one vector shows, and all that `nightjar verify` asks.
OBSERVED = COMPARED | {Kind.UNTAPPED}
# The test that asks, where it is not called after the kind.
_TESTS = {Kind.COST: "layer", Kind.REPEATED: "repeated_runs", Kind.UNTAPPED: "untapped_run"}


@dataclass(frozen=True)
class Question:
    """One thing that a session asks of a board.

    `vector` is the number of a vector, `layer` a position in Structure.layers, `stride` a name in STRIDES; each None
    or "" where the kind has none.
    """

    kind: Kind
    vector: int | None = None
    layer: int | None = None
    stride: str = ""

    @property
    def id(self) -> str:
        """How the proof names it: `tensor vec02 layer3`."""
        words = [self.kind.value]
        words += [] if self.vector is None else [f"vec{self.vector:02d}"]
        words += [] if self.layer is None else [f"layer{self.layer}"]
        words += [self.stride] if self.stride else []
        return " ".join(words)


def case_id(question: Question, structure: Structure) -> str:
    """What a node id of pytest has in its brackets, the same on every tier; "" where it has none."""
    words = [] if question.vector is None else [node_id(question.vector)]
    words += [] if question.layer is None else [structure.layers[question.layer].node_id]
    return "-".join(words + ([question.stride] if question.stride else []))


def node_name(question: Question, structure: Structure) -> str:
    """The node id of the test that asks, without its file: `test_tensor[vec00-layer02-CONV_2D]`."""
    case = case_id(question, structure)
    name = f"test_{_TESTS.get(question.kind, question.kind.value)}"
    return f"{name}[{case}]" if case else name


@dataclass(frozen=True)
class Plan:
    """Every question that applies, in the order of asking, and what does not apply."""

    questions: tuple[Question, ...]
    not_applicable: tuple[NotApplicable, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over the questions."""
        return sha256_bytes("\n".join(question.id for question in self.questions).encode())

    def of(self, kind: Kind) -> list[Question]:
        """The questions of one kind."""
        return [question for question in self.questions if question.kind is kind]


@dataclass(frozen=True)
class Scope:
    """What decides which questions apply.

    raw, total: how many vectors are inputs of the model, and how many there are; those behind are chunks of sound.
    counts: whether the tier counts what a run costs. stream: whether the firmware takes samples as they arrive.
    """

    board: str
    raw: int
    total: int
    counts: bool
    stream: bool


def plan(structure: Structure, taps: tuple[Tap, ...], scope: Scope) -> Plan:
    """The plan of the whole suite. `taps` are those of the layers, in their order."""
    return Plan(tuple(_questions(taps, scope)), tuple(absent(structure, taps, scope)))


def _questions(taps: tuple[Tap, ...], scope: Scope) -> Iterator[Question]:
    vectors = range(scope.total)
    layers = [position for position, tap in enumerate(taps) if tap.observed]
    yield Question(Kind.IDENTITY)
    yield from (Question(Kind.FEATURES, v) for v in range(scope.raw, scope.total))
    yield from (Question(Kind.INPUT, v) for v in vectors)
    yield from (Question(Kind.TENSOR, v, layer) for v in vectors for layer in layers)
    yield from (Question(Kind.SCORES, v) for v in vectors)
    if scope.counts:
        yield from (Question(Kind.STAGES, v) for v in vectors)
        yield from (Question(Kind.COST, layer=layer) for layer in layers)
    yield from (Question(Kind.REPEATED, v) for v in vectors)
    yield from (Question(Kind.UNTAPPED, v) for v in vectors)
    if scope.stream:
        yield from (Question(Kind.STREAM, stride=name) for name in STRIDES)
    yield Question(Kind.SOAK)


def absent(
    structure: Structure, taps: tuple[Tap, ...], scope: Scope, *, suite: bool = True
) -> Iterator[NotApplicable]:
    """What does not apply; with `suite` also of what only the suite asks."""
    if scope.raw == scope.total:
        yield NotApplicable("frontend", "a bare .tflite has no frontend, and no chunks of its own")
    if not scope.counts:
        yield NotApplicable("cost", f"the board {scope.board} counts nothing")
    if suite and not scope.stream:
        yield NotApplicable(
            "stream", "this firmware does not stream; generated with --stream it would"
        )
    for layer, tap in zip(structure.layers, taps, strict=True):
        if not tap.observed:
            yield NotApplicable(layer.node_id, f"not observed: {tap.reason}")
