"""What stedgeai made of a model: the one form that every kind of its files is read into."""

from collections.abc import Iterable
from dataclasses import dataclass

from model_gen.codegen.neural_art.versions import Dialect, Version

HARDWARE, HYBRID, SOFTWARE = "hardware", "hybrid", "software"
NOMINAL_MHZ = 1000  # of the NPU, for which the compiler counts


@dataclass(frozen=True)
class Tool:
    """A program that took part: its name, its version as it tells it, the arguments that it was given."""

    name: str
    version: str
    arguments: str


@dataclass(frozen=True)
class Epoch:
    """A piece of the inference that runs without the core's help, or in software.

    Attributes:
        number: as the compiler counts; of a build without an NPU, the place of the layer.
        name: what the file calls it.
        kind: HARDWARE, HYBRID or SOFTWARE.
        ops: kinds of its operations, in order, each once.
        nodes: names of its operations, in order.
        why: why the core has a part in it; "" for hardware.
        blob: the epoch controller's blob that holds it; None: none, or it is not told.
        cycles: the compiler's estimate in cycles of the NPU, memory included; None: not told.
        compute_cycles: of these, what computing alone takes.
        macs: multiply-accumulates; None: not told.
        inputs, outputs: ids of buffers.
    """

    number: int
    name: str
    kind: str
    ops: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    why: str = ""
    blob: int | None = None
    cycles: int | None = None
    compute_cycles: int | None = None
    macs: int | None = None
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()


@dataclass(frozen=True)
class Pool:
    """A memory pool.

    Attributes:
        name: as in reports, for instance npuRAM5.
        file: what its content's file ends with, for instance xSPI2; "" where it is not told.
        address: its first byte; None where it is a symbol of C.
        bytes: what it has; None where it has what it needs.
        used: bytes from its start to the last one that is used; a report tells it rounded, see `exact`.
        weights, activations: bytes of each; None where they are not told.
        writable: whether the NPU may write there.
        joined: whether it only joins other pools, so that its bytes are theirs.
        exact: whether the bytes are not rounded.
    """

    name: str
    file: str
    address: int | None
    bytes: int | None
    used: int
    weights: int | None = None
    activations: int | None = None
    writable: bool = True
    joined: bool = False
    exact: bool = True


@dataclass(frozen=True)
class Buffer:
    """A tensor or a constant in memory.

    Attributes:
        id: of the file.
        pool: the name of its pool; "" where the user gives it a place.
        address: None where its pool has none.
        offset: in its pool.
        shape: as the file gives it.
        format: for instance S8, U8, FLOAT, Q.
        bits: of an element.
        scales, zero_points: of its quantization, one or one a channel; empty: not quantized.
        constant: whether it is a parameter.
        first, last: the epochs between which it holds its place.
        together: how many channels of a pixel lie together; 0: not told.
    """

    id: int
    name: str
    pool: str
    address: int | None
    offset: int
    bytes: int
    shape: tuple[int, ...]
    format: str
    bits: int
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    constant: bool
    first: int
    last: int
    together: int = 0


@dataclass(frozen=True)
class SignedFile:
    """A file that is named with the MD5 of its content, 32 hex digits; None where it is not signed."""

    name: str
    md5: str | None


@dataclass(frozen=True)
class Compilation:
    """One compiled model, as one file of stedgeai's tells it.

    Attributes:
        told_by: which kind of file: "c_info", "compiler's c_info" or "report".
        version: of stedgeai, None in the compiler's own file where stedgeai left no trace.
        tools: stedgeai first, then the NPU's compiler where it took part.
        models: the files of the model that was compiled.
        files: the files that were generated.
        network: the name of the C network.
        network_signature: "" where there is none.
        inputs, outputs: ids of buffers; empty in a report.
        weights, activations: bytes; a report tells them rounded.
        npu: whether the NPU's compiler took part.
    """

    told_by: str
    version: Version
    dialect: Dialect
    tools: tuple[Tool, ...]
    models: tuple[SignedFile, ...]
    files: tuple[SignedFile, ...]
    network: str
    network_signature: str
    epochs: tuple[Epoch, ...]
    pools: tuple[Pool, ...]
    buffers: tuple[Buffer, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    weights: int
    activations: int
    npu: bool

    def of(self, kind: str) -> tuple[Epoch, ...]:
        """The epochs of a kind."""
        return tuple(epoch for epoch in self.epochs if epoch.kind == kind)

    @property
    def compiler(self) -> str | None:
        """The version of the NPU's compiler; None where it took no part or does not say."""
        told = self.tools[1].version.split() if len(self.tools) > 1 else []
        return told[0] if told else None

    @property
    def cycles(self) -> int | None:
        """The compiler's estimate for one inference, without the core's time; None: not told."""
        told = [epoch.cycles for epoch in self.epochs if epoch.cycles is not None]
        return sum(told) if told else None

    @property
    def microseconds(self) -> float | None:
        """`cycles` at NOMINAL_MHZ."""
        return None if self.cycles is None else self.cycles / NOMINAL_MHZ

    def buffer(self, number: int) -> Buffer:
        """The buffer of an id, which is one of `inputs`, `outputs` or an epoch's."""
        return next(one for one in self.buffers if one.id == number)


def holds_others(span: tuple[int, int], spans: Iterable[tuple[int, int]]) -> bool:
    """Whether a stretch of addresses holds several others: a pool that does only joins its neighbours.

    Args:
        span: (first, end).
        spans: of all pools.
    """
    first, end = span
    inside = {(a, b) for a, b in spans if first <= a < b <= end and (a, b) != span}
    return len(inside) > 1
