"""The typed graph: what a .tflite says, checked, and nothing else."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from host.errors import BadInput
from host.printable import printable
from model_gen.codegen.tflite.advice import for_types
from model_gen.codegen.tflite.options import Options

Shape = tuple[int, ...]
Array = npt.NDArray[Any]

# How many bytes an element takes; other types are not stored anywhere.
ITEM_BYTES = {
    "float32": 4,
    "float16": 2,
    "float64": 8,
    "int8": 1,
    "uint8": 1,
    "int16": 2,
    "uint16": 2,
    "int32": 4,
    "uint32": 4,
    "int64": 8,
    "uint64": 8,
    "bool": 1,
}


@dataclass(frozen=True)
class Quantization:
    """real = scale * (step - zero_point); one scale for the tensor, or one for each index of `axis`."""

    scales: tuple[float, ...]  # each exactly a float32
    zero_points: tuple[int, ...]
    axis: int


@dataclass(frozen=True)
class Tensor:
    """A tensor of the model. `value` is its content when it is constant, of exactly this shape and type.

    `opaque` tensors hold something before the first op runs, of a type that is not read: sparse or 4-bit weights,
    strings. Whatever uses one refuses it by its type.
    """

    index: int
    name: str
    shape: Shape
    dtype: str  # NumPy's name; "int4" and the like where NumPy has none
    quantization: Quantization | None
    value: Array | None = field(default=None, compare=False, repr=False)
    free_dimensions: tuple[int, ...] = ()  # those that the file leaves open for a caller to resize
    opaque: bool = False

    @property
    def elements(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) if self.shape else 1

    @property
    def bytes(self) -> int:
        return self.elements * ITEM_BYTES[self.dtype]

    def describe(self) -> str:
        return f"{self.dtype} {list(self.shape)} '{short_name(self.name)}'"


@dataclass(frozen=True)
class Op:
    """An operator of the model: `inputs` and `outputs` are tensor indices, -1 is an input left out."""

    index: int
    name: str  # TFLite's, e.g. "CONV_2D"; "CUSTOM:code" for a custom one
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Options
    intermediates: tuple[
        int, ...
    ] = ()  # tensors that only say how something inside of the op is quantized


@dataclass(frozen=True)
class State:
    """A tensor that keeps its content from one inference to the next: a variable, or an op's own memory.

    `first` is what it holds before the first inference, of its shape and type. `own`: it is a tensor of the file, which
    the op that keeps it also writes; else it stands for a variable, which only ASSIGN_VARIABLE writes.
    """

    tensor: int
    first: Array = field(compare=False, repr=False)
    own: bool = False


@dataclass(frozen=True)
class Graph:
    """One subgraph, its ops in an order in which every tensor is written before it is read.

    `states` hold something before the first op. They alone are read before, or written again.
    """

    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    states: tuple[State, ...] = ()

    @property
    def kept(self) -> frozenset[int]:
        """The tensors of `states`."""
        return frozenset(state.tensor for state in self.states)


def last_part(name: str) -> str:
    """The converter joins the names of everything it fused: the last part, at most 60 characters, whatever they are."""
    return name.rsplit(";", 1)[-1][-60:]


def short_name(name: str) -> str:
    """The last part, for people: fit for a terminal."""
    return printable(last_part(name))


def types_of(op: Op, tensors: tuple[Tensor, ...]) -> set[str]:
    """The types of what it reads and writes, constants left out."""
    touched = [tensors[i] for i in (*op.inputs, *op.outputs) if 0 <= i < len(tensors)]
    return {t.dtype.removeprefix("variable ") for t in touched if t.value is None}


class Refusal(BadInput):
    """An op that a backend does not take, and `why`, without the op's name."""

    def __init__(self, op: Op, why: str, *, evidence: str = "", next_step: str = "") -> None:
        super().__init__(f"op {op.index}, {op.name}: {why}", evidence=evidence, next_step=next_step)
        self.op, self.why = op, printable(why, keep="\n\t")


class NotConstant(Refusal):
    """An op that needs a value when the code is generated, which is not known then."""


def refuse(
    op: Op,
    tensors: tuple[Tensor, ...],
    why: str,
    *,
    next_step: str | None = None,
    kind: type[Refusal] = Refusal,
) -> Refusal:
    """The error for an op that a backend does not take: by name, index and tensors.

    Without a `next_step` the types of its tensors say one.
    """

    def listed(indices: tuple[int, ...]) -> str:
        return ", ".join(f"{i}: {tensors[i].describe()}" if i >= 0 else "none" for i in indices)

    return kind(
        op,
        why,
        evidence=f"Received: inputs {listed(op.inputs)}; outputs {listed(op.outputs)}",
        next_step=for_types(types_of(op, tensors)) if next_step is None else next_step,
    )
