"""TRANSPOSE_CONV: every output gathers what the reference scatters to it."""

from math import prod

import numpy as np

from model_gen.codegen.cm55.ops.common import (
    batched,
    fused_range,
    image,
    image_struct,
    per_image,
    requants,
    symmetric_weights,
    window_output,
    window_struct,
)
from model_gen.codegen.cm55.ops.registry import (
    Constants,
    InputPointer,
    Kernel,
    OutputPointer,
    Parameters,
    ParametersPointer,
    Rule,
    ScratchPointer,
    register,
)
from model_gen.codegen.cm55.ops.rounding import c_enum, rule_of
from model_gen.codegen.tflite.graph import Array, Shape
from model_gen.codegen.tflite.options import WindowOptions
from model_gen.codegen.tflite.view import View

_SHAPE, _WEIGHTS, _INPUT, _BIAS = range(4)  # the op's inputs
_MOST = 1 << 16  # of the output's rows and columns
_MOST_WEIGHTS = 1 << 26  # zeros included: strides far beyond the window must not fill the memory


def _shape(view: View) -> Shape:
    given, weights = view.integers(_SHAPE), view.input(_WEIGHTS).shape
    batch, _, _, channels = batched(view, view.input(_INPUT))
    if len(weights) != 4 or weights[3] != channels:
        raise view.refuse(f"weights of {list(weights)} do not fit {channels} channels")
    if (
        len(given) != 4
        or given[0] != batch
        or given[3] != weights[0]
        or not all(0 < n <= _MOST for n in given)
    ):
        raise view.refuse(
            f"the output's shape {list(given)} is not [{batch}, rows, columns, {weights[0]}]"
        )
    return given


def _taps(weights: Shape, stride: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of the window that an output meets."""
    return -(-weights[1] // stride[0]), -(-weights[2] // stride[1])


def by_phase(weights: Array, stride: tuple[int, int]) -> Array:
    """int8 [outputs, height, width, inputs] as [phase, outputs, taps, inputs].

    The outputs at (y, x) modulo the strides are of phase y * stride + x, and meet every stride-th row and column of the
    window from there on; zeros fill up what a window leaves short.
    """
    outputs, height, width, inputs = weights.shape
    down, right = _taps(weights.shape, stride)
    whole = np.zeros((outputs, down * stride[0], right * stride[1], inputs), np.int8)
    whole[:, :height, :width] = weights
    parts = whole.reshape(outputs, down, stride[0], right, stride[1], inputs)
    phases = parts.transpose(2, 4, 0, 1, 3, 5)
    return phases.reshape(stride[0] * stride[1], outputs, down * right, inputs)


def _phase_bias(view: View, phases: Array, input_zero: int) -> Constants:
    """int32 [phase, outputs]: bias - input_zero * the sum of the phase's weights, modulo 2^32."""
    outputs = phases.shape[1]
    bias = np.zeros(outputs, np.int64)
    tensor = view.optional(_BIAS)
    if tensor is not None:
        if tensor.dtype != "int32" or tensor.elements != outputs:
            raise view.refuse(f"the bias must be int32 [{outputs}], not {tensor.describe()}")
        bias = view.constant(_BIAS).astype(np.int64).ravel()
    sums = phases.sum(axis=(2, 3), dtype=np.int64)
    return Constants("int32_t", (bias - input_zero * sums).astype(np.int32))


def _lower(view: View) -> Kernel:
    """Formula: TransposeConv of reference/integer_ops/transpose_conv.h; its padding is that of a convolution that
    makes the input's size of the output's."""
    options = view.options(WindowOptions)
    source, target = image(view, view.input(_INPUT)), image(view, view.output)
    weights, scales = symmetric_weights(view, _WEIGHTS, 0, target[2])
    input_scale, input_zero = view.scale_and_zero(view.input(_INPUT))
    output_scale, output_zero = view.scale_and_zero(view.output)
    low, high = fused_range(view, options.activation)
    window = (weights.shape[1], weights.shape[2])
    forward = window_output(view, options, target[:2], window)
    down, right = _taps(weights.shape, options.stride)
    if prod((*options.stride, target[2], down, right, source[2])) > _MOST_WEIGHTS:
        raise view.refuse(
            f"strides of {list(options.stride)} are too far for the window {list(window)}"
        )
    phases = by_phase(weights, options.stride)
    rule = rule_of(view.op.name, view.rounding)
    reals = [input_scale * scale / output_scale for scale in scales]
    return Kernel(
        "nj_transpose_conv_s8",
        Parameters(
            "nj_transpose_conv",
            (
                ("input", image_struct(source)),
                ("output", image_struct(target)),
                ("window", window_struct(options, target[:2], forward, window)),
                ("input_zero_point", input_zero),
                ("output_zero_point", output_zero),
                ("activation_min", low),
                ("activation_max", high),
                ("rounding", c_enum(rule)),
                ("weights", Constants("int8_t", phases)),
                ("bias", _phase_bias(view, phases, input_zero)),
                ("requant", requants(view, reals, target[2])),
            ),
        ),
        (ParametersPointer(), InputPointer(_INPUT), OutputPointer(), ScratchPointer()),
        macs=view.output.elements * phases.shape[2] * source[2],
        rule=rule,
        scratch=phases.shape[2] * source[2],
    )


register("TRANSPOSE_CONV", Rule(_shape, per_image(_lower, _INPUT)))
