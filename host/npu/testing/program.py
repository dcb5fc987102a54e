"""A compiled network before it becomes text or registers: epochs with units, streams, switch rows.

`lower` makes one from a description, `text` prints it as a network.c, `epoch_record` turns an epoch
into the device's record, from which blobs are made. Field names are those of the LL_* structs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

WEIGHTS_BASE = 0x71000000


@dataclass(frozen=True)
class Address:
    """A place in the chip's memory: the start of its pool and bytes from there."""

    base: int
    offset: int

    @property
    def absolute(self) -> int:
        return self.base + self.offset


# A number, an enumerator, an address (None: no vector), or the precisions of three vectors.
Value: TypeAlias = int | str | Address | tuple[int, int, int] | None


@dataclass(frozen=True)
class Port:
    """A port of a unit at the stream switch, such as CONVACC 3's port 2."""

    unit: str
    number: int
    port: int = 0


@dataclass(frozen=True)
class Unit:
    """One CONVACC, ARITH or POOL with the non-zero fields of its struct."""

    kind: str
    number: int
    node: str
    operation: str
    fields: Mapping[str, Value]


@dataclass(frozen=True)
class Stream:
    """One stream engine; `fields` without `dir` and the address. `tensor` is what it carries."""

    number: int
    node: str
    port: int
    out: bool
    base: int
    tensor: str
    fields: Mapping[str, int]
    physical: bool = (
        False  # whether the address is printed through the macro, as chained units have it
    )


@dataclass(frozen=True)
class Route:
    """A row of the switch: `source` to `target`.

    frames: so many of the first context, then of the second, and again; (0, 0): the first for good.
    What comes in a context that is not `enabled` goes nowhere.
    """

    target: Port
    source: Port
    frames: tuple[int, int] = (0, 0)
    enabled: tuple[bool, bool] = (True, False)


@dataclass(frozen=True)
class Hardware:
    """An epoch of the NPU."""

    units: tuple[Unit, ...]
    streams: tuple[Stream, ...]
    routes: tuple[Route, ...]
    invalidated: tuple[Address, int] | None = (
        None  # a range of the processor's cache, as some epochs have it
    )

    @property
    def wait_mask(self) -> int:
        return sum(1 << stream.number for stream in self.streams if stream.out)

    @property
    def read_mask(self) -> int:
        return sum(1 << stream.number for stream in self.streams if not stream.out)


@dataclass(frozen=True)
class TensorView:
    """A tensor as a software epoch sees it: bytes between neighbours of each axis."""

    address: Address
    shape: tuple[int, int, int]  # height, width, channels
    strides: tuple[int, int, int]
    nbits: int
    signed: bool


@dataclass(frozen=True)
class Software:
    """An epoch of the processor: `operation` is Quantize, Dequantize or Transpose."""

    operation: str
    node: str
    source: TensorView
    target: TensorView
    scale: Address | None = None
    zero: Address | None = None
    zero_signed: bool = True
    permutation: tuple[int, int, int] = (0, 1, 2)


@dataclass(frozen=True)
class Buffer:
    """An entry of the lists of buffers. `block`: channels that lie together in memory."""

    name: str
    address: Address
    size: int
    epoch: int
    shape: tuple[int, int, int]
    block: int
    kind: str
    scale: float
    zero: int
    role: str  # input, output, internal or weights


@dataclass(frozen=True)
class Program:
    """A whole network: epochs in order, numbered from 1; its constants lie at WEIGHTS_BASE."""

    name: str
    epochs: tuple[Hardware | Software, ...]
    buffers: tuple[Buffer, ...]
    image: bytes = field(repr=False)
