"""What an op's file says about it: the shape of its outputs, its value when it is constant, and its kernel call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from host.errors import BadInput
from model_gen.codegen.graph import FULL_INT8, Array, Graph, Op, Quantization, Shape, Tensor, refuse
from model_gen.codegen.options import Options

ROUNDINGS = ("tflite", "tflm")

_O = TypeVar("_O", bound=Options)


@dataclass(frozen=True)
class Constants:
    """A constant array of the firmware. `values` is int8 or int32 of any shape; a [n, 2] array of type
    "struct nj_requant" holds multiplier and shift."""

    type: str  # in C: "int8_t", "int32_t", "float", "double", "struct nj_requant"
    values: Array


@dataclass(frozen=True)
class Parameters:
    """A constant C struct. A field is an integer, the name of an enumerator, a list, a nested struct or an array."""

    struct: str
    fields: tuple[tuple[str, "Field"], ...]


Field = int | str | Constants | tuple["Field", ...] | tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class ParametersPointer:
    """An argument: the address of the kernel's parameters."""


@dataclass(frozen=True)
class InputPointer:
    """An argument: where input `position` of the op lies, `offset` elements further."""

    position: int
    offset: int = 0


@dataclass(frozen=True)
class InputPointers:
    """An argument: an array of pointers to all inputs of the op."""


@dataclass(frozen=True)
class OutputPointer:
    """An argument: where the op's output lies."""


@dataclass(frozen=True)
class ScratchPointer:
    """An argument: the step's scratch memory, null where it has none."""


Argument = (
    ParametersPointer
    | InputPointer
    | InputPointers
    | OutputPointer
    | ScratchPointer
    | Constants
    | str
)


@dataclass(frozen=True)
class Kernel:
    """One call: what a step of the firmware does."""

    function: str
    parameters: Parameters | None
    arguments: tuple[Argument, ...]
    macs: int = 0
    rule: str | None = (
        None  # rounding rule of the call: "single", "double", "real", or None where nothing is rounded
    )
    scratch: int = 0  # bytes of the arena that the step needs while it runs
    in_place: tuple[int, ...] = ()  # inputs in whose memory the output may be written
    reads_behind: int = 0  # bytes behind its inputs that the kernel reads and does not use


@dataclass(frozen=True)
class Alias:
    """The output is the memory of input `position` under another shape: nothing runs."""

    position: int = 0


@dataclass(frozen=True)
class View:
    """An op with its tensors resolved: shapes are final, `value` is set where the content is known.

    An op of several outputs has one view for each, which sees only that one.
    """

    op: Op
    graph: Graph
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    rounding: str = "tflite"
    # Rows above and below, columns left and right of input 0, of its zero point: a PAD that was folded into this op.
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)

    def refuse(self, why: str, *, next_step: str = FULL_INT8) -> BadInput:
        return refuse(self.op, self.graph.tensors, why, next_step=next_step)

    def options(self, kind: type[_O]) -> _O:
        """The op's options, known to be of this kind because the reader chose it by the op's name."""
        assert isinstance(self.op.options, kind)
        return self.op.options

    def input(self, position: int) -> Tensor:
        """An input that must be there."""
        tensor = self.inputs[position] if position < len(self.inputs) else None
        if tensor is None:
            raise self.refuse(f"input {position} is missing")
        return tensor

    def optional(self, position: int) -> Tensor | None:
        return self.inputs[position] if position < len(self.inputs) else None

    @property
    def output(self) -> Tensor:
        return self.outputs[0]

    @property
    def position(self) -> int:
        """Which of the op's outputs this view is of."""
        return self.op.outputs.index(self.output.index)

    def constant(self, position: int) -> Array:
        """The value of an input that must be known when the code is generated."""
        tensor = self.input(position)
        if tensor.value is None:
            raise self.refuse(f"input {position}, {tensor.describe()}, is not constant")
        return tensor.value

    def integers(self, position: int) -> tuple[int, ...]:
        """A constant int32 or int64 input, flat."""
        value = self.constant(position)
        if value.dtype.kind != "i" or value.size > 4096:
            raise self.refuse(f"input {position} is not a short list of integers")
        return tuple(int(v) for v in value.ravel())

    def quantization(self, tensor: Tensor) -> Quantization:
        """The single scale and zero point of an int8 tensor.

        Raises:
            BadInput: another type, no quantization, one scale a channel, or a scale of 0.
        """
        if tensor.dtype != "int8":
            raise self.refuse(
                f"backend cm55 computes int8 only, but {tensor.describe()} is not int8"
            )
        quantization = tensor.quantization
        if quantization is None or len(quantization.scales) != 1 or quantization.scales[0] <= 0:
            raise self.refuse(f"{tensor.describe()} lacks one positive scale for the tensor")
        if not -128 <= quantization.zero_points[0] <= 127:
            raise self.refuse(f"{tensor.describe()} has a zero point outside int8")
        return quantization

    def scale_and_zero(self, tensor: Tensor) -> tuple[float, int]:
        quantization = self.quantization(tensor)
        return quantization.scales[0], quantization.zero_points[0]

    def axis(self, value: int, rank: int) -> int:
        """An axis counted from either end, as one counted from the front."""
        if not -rank <= value < rank:
            raise self.refuse(f"axis {value} does not exist in {rank} dimensions")
        return value % rank


Lowered = Kernel | Alias


@dataclass(frozen=True)
class Rule:
    """How backend cm55 takes one op.

    Attributes:
        shape: the shape of the output, from inputs whose shapes are final.
        lower: the kernel call, or None for an op that exists only as constant arithmetic.
        fold: the output's value when enough is known, else None.
        several: whether the op may have several outputs; each is shaped, lowered and folded by a view of its own.
    """

    shape: Callable[[View], Shape]
    lower: Callable[[View], Lowered] | None = None
    fold: Callable[[View], Array | None] | None = None
    several: bool = False


RULES: dict[str, Rule] = {}


def register(name: str, rule: Rule) -> None:
    """Make an op known; called by the op's file when it is imported."""
    assert name not in RULES, name
    RULES[name] = rule
