"""The networks of the probes: one op each, int8 at both ends."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from host.npu.compiler.convolution_layer import ConvolutionLayer
from host.npu.compiler.model import compile_model
from model_gen.codegen.tflite.graph import Shape
from model_gen.codegen.tflite.writer import OpSpec, TensorSpec, write_tflite

Bytes = npt.NDArray[np.int8]
_SAME, _VALID = 0, 1


@dataclass(frozen=True, eq=False)
class ConvNet:
    """One CONV_2D of stride 1.

    Attributes:
        weights: int8 [kernels, rows, columns, channels].
        weight_scales: one a kernel.
        size: rows and columns of the input.
        input_scale, output_scale: real numbers that a float32 holds.
        input_zero: in steps; that of the output is 0.
        bias: int32, one a kernel, in units of the input's scale times the kernel's; () for zeros.
        same: whether the input is padded, so that the output has its size.
    """

    weights: Bytes
    weight_scales: tuple[float, ...]
    size: tuple[int, int]
    input_scale: float
    output_scale: float
    input_zero: int = 0
    bias: tuple[int, ...] = ()
    same: bool = False

    @property
    def input_shape(self) -> Shape:
        return (1, *self.size, self.weights.shape[3])

    @property
    def output_shape(self) -> Shape:
        lost = (0, 0) if self.same else tuple(side - 1 for side in self.weights.shape[1:3])
        return (1, self.size[0] - lost[0], self.size[1] - lost[1], len(self.weights))

    @cached_property
    def tflite(self) -> bytes:
        """The bytes of the model."""
        bias = np.array(self.bias or [0] * len(self.weights), np.int32)
        units = tuple(self.input_scale * scale for scale in self.weight_scales)
        tensors = [
            TensorSpec("x", self.input_shape, (self.input_scale,), self.input_zero),
            TensorSpec("weights", self.weights.shape, self.weight_scales, 0, self.weights),
            TensorSpec("bias", bias.shape, units, 0, bias, "int32"),
            TensorSpec("y", self.output_shape, (self.output_scale,)),
        ]
        fields = {"Padding": _SAME if self.same else _VALID, "StrideH": 1, "StrideW": 1}
        fields |= {"DilationHFactor": 1, "DilationWFactor": 1}
        return write_tflite(
            tensors, [OpSpec("CONV_2D", (0, 1, 2), (3,), "Conv2DOptions", fields, 3)]
        )

    def compiled(self, dialect: str) -> ConvolutionLayer:
        """The layer with the constants of a dialect."""
        layer = compile_model(self.tflite, dialect).layers[0]
        assert isinstance(layer, ConvolutionLayer)
        return layer


def mean(shape: Shape, scales: tuple[float, float], zeros: tuple[int, int]) -> bytes:
    """A MEAN over rows and columns; scale and zero point of input and output."""
    tensors = [
        TensorSpec("x", shape, scales[:1], zeros[0]),
        TensorSpec("axes", (2,), value=np.array([1, 2], np.int32), dtype="int32"),
        TensorSpec("y", (1, 1, 1, shape[3]), scales[1:], zeros[1]),
    ]
    fields = {"KeepDims": True}
    return write_tflite(tensors, [OpSpec("MEAN", (0, 1), (2,), "ReducerOptions", fields, 2)])


def average_pool(shape: Shape, scale: float) -> bytes:
    """An AVERAGE_POOL_2D over windows of 2 x 2, side by side."""
    tensors = [
        TensorSpec("x", shape, (scale,)),
        TensorSpec("y", (1, shape[1] // 2, shape[2] // 2, shape[3]), (scale,)),
    ]
    sides = ("StrideH", "StrideW", "FilterHeight", "FilterWidth")
    fields = {"Padding": _VALID, **dict.fromkeys(sides, 2)}
    return write_tflite(
        tensors, [OpSpec("AVERAGE_POOL_2D", (0,), (1,), "Pool2DOptions", fields, 2)]
    )


def addition(shape: Shape, scales: tuple[float, float, float]) -> bytes:
    """An ADD of two inputs of one shape; the scales of x, z and y, all zero points 0."""
    names = zip(("x", "z", "y"), scales, strict=True)
    tensors = [TensorSpec(name, shape, (scale,)) for name, scale in names]
    return write_tflite(tensors, [OpSpec("ADD", (0, 1), (2,), "AddOptions", {}, 2)])


def absolute(shape: Shape, scale: float, zero: int) -> bytes:
    """An ABS with one scale and zero point at both ends."""
    tensors = [TensorSpec(name, shape, (scale,), zero) for name in ("x", "y")]
    return write_tflite(tensors, [OpSpec("ABS", (0,), (1,), "AbsOptions", {}, 1)])
