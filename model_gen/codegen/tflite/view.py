"""An op as a backend sees it: its tensors with final shapes, and values where they are known."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from model_gen.codegen.tflite.graph import (
    Array,
    Graph,
    NotConstant,
    Op,
    Quantization,
    Refusal,
    Shape,
    Tensor,
    refuse,
)
from model_gen.codegen.tflite.options import Options

# Of an activation. ADD multiplies its output's by 2^20 in float32; where that is infinite, TFLite ends the process.
_LARGEST_SCALE = 2.0**100
ROUNDINGS = ("tflite", "tflm")  # whose rounding rules

_O = TypeVar("_O", bound=Options)


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
    # The op of floats between the DEQUANTIZE of input 0 and this QUANTIZE: both were folded into it.
    between: str | None = None

    def refuse(
        self, why: str, *, next_step: str | None = None, kind: type[Refusal] = Refusal
    ) -> Refusal:
        """The error that says why; the next step is that of the tensors' types unless another is given."""
        return refuse(self.op, self.graph.tensors, why, next_step=next_step, kind=kind)

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
            raise self.refuse(
                f"input {position}, {tensor.describe()}, is not constant", kind=NotConstant
            )
        return tensor.value

    def integers(self, position: int) -> tuple[int, ...]:
        """A constant int32 or int64 input, flat."""
        value = self.constant(position)
        if value.dtype.kind != "i" or value.size > 4096:
            raise self.refuse(f"input {position} is not a short list of integers")
        return tuple(int(v) for v in value.ravel())

    def quantization(self, tensor: Tensor, dtype: str = "int8") -> Quantization:
        """The single scale and zero point of a tensor of `dtype`, int8 or uint8.

        Raises:
            BadInput: another type, no quantization, one scale a channel, or a scale of 0 or beyond _LARGEST_SCALE.
        """
        if tensor.dtype != dtype:
            raise self.refuse(
                f"it is computed in {dtype} only, but {tensor.describe()} is not {dtype}"
            )
        quantization = tensor.quantization
        if quantization is None or len(quantization.scales) != 1 or quantization.scales[0] <= 0:
            raise self.refuse(f"{tensor.describe()} lacks one positive scale for the tensor")
        if quantization.scales[0] > _LARGEST_SCALE:
            raise self.refuse(
                f"{tensor.describe()} has the scale {quantization.scales[0]:g}, with which the reference's float32 "
                "overflows",
                next_step="calibrate again: the representative data set held values that no input has",
            )
        limits = np.iinfo(dtype)
        if not limits.min <= quantization.zero_points[0] <= limits.max:
            raise self.refuse(f"{tensor.describe()} has a zero point outside {dtype}")
        return quantization

    def scale_and_zero(self, tensor: Tensor, dtype: str = "int8") -> tuple[float, int]:
        quantization = self.quantization(tensor, dtype)
        return quantization.scales[0], quantization.zero_points[0]

    def axis(self, value: int, rank: int) -> int:
        """An axis counted from either end, as one counted from the front."""
        if not -rank <= value < rank:
            raise self.refuse(f"axis {value} does not exist in {rank} dimensions")
        return value % rank


class Rule(Protocol):
    """What a backend says of an op before it looks for a kernel.

    Attributes:
        shape: the shape of the output, from inputs whose shapes are final.
        fold: the output's value when enough is known, else None.
        several: whether the op may have several outputs, each with a view of its own.
        runs: whether there is a kernel for it; without one it must fold.
    """

    @property
    def shape(self) -> Callable[[View], Shape]: ...
    @property
    def fold(self) -> Callable[[View], Array | None] | None: ...
    @property
    def several(self) -> bool: ...
    @property
    def runs(self) -> bool: ...
