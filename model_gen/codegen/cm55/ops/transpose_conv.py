"""TRANSPOSE_CONV: every output gathers what the reference scatters to it."""

from dataclasses import dataclass
from math import prod

import numpy as np

from model_gen.codegen.cm55.ops import packing
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
from model_gen.codegen.cm55.ops.convolution import MAX_PACKED, reading_of
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


@dataclass(frozen=True)
class Part:
    """Rows of the output that are the same modulo the stride, as a convolution of stride 1.

    Attributes:
        first: the output's byte that comes first. rows: of the output. places: of a row, each of `channels` outputs.
        top, left: rows and columns of the first window before the image; negative where it begins within.
        weights: int8 [channels, rows, columns, inputs].
    """

    first: int
    rows: int
    places: int
    channels: int
    top: int
    left: int
    weights: Array

    @property
    def width(self) -> int:
        """Columns of the window."""
        return int(self.weights.shape[2])


def _met_by(size: int, stride: int, pad: int) -> list[list[tuple[int, int]]]:
    """Of each output modulo the stride, what it meets along one dimension: (how far from the place of `stride` outputs
    the input lies, which row or column of the window it is multiplied by)."""
    found = []
    for output in range(stride):
        ahead, phase = divmod(output + pad, stride)
        found.append(
            [(ahead - tap, phase + tap * stride) for tap in range(-(-(size - phase) // stride))]
        )
    return found


def as_convolutions(
    weights: Array,
    stride: tuple[int, int],
    pads: tuple[int, int],
    source: tuple[int, int, int],
    target: tuple[int, int, int],
) -> list[Part]:
    """Which convolutions compute it; weights int8 [outputs, height, width, inputs]."""
    outputs, height, width, inputs = weights.shape
    across = _met_by(width, stride[1], pads[1])
    offsets = [offset for met in across for offset, _ in met] or [0]
    left, columns = min(offsets), max(offsets) - min(offsets) + 1
    places, rest = divmod(target[1], stride[1])
    parts = []
    for row, met in enumerate(_met_by(height, stride[0], pads[0])[: target[0]]):
        first = min((offset for offset, _ in met), default=0)
        rows = max(len(met), 1)
        made = np.zeros((stride[1], outputs, rows, columns, inputs), np.int8)
        for down, y in met:
            for column, beside in enumerate(across):
                for right, x in beside:
                    made[column, :, down - first, right - left] = weights[:, y, x]
        count = -(-(target[0] - row) // stride[0])
        begin = row * target[1] * outputs
        if places:
            whole = made.reshape(-1, rows, columns, inputs)
            parts.append(Part(begin, count, places, len(whole), -first, -left, whole))
        if rest:
            begin += places * stride[1] * outputs
            few = made[:rest].reshape(-1, rows, columns, inputs)
            parts.append(Part(begin, count, 1, len(few), -first, -left - places, few))
    return parts


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


def _bias(view: View, outputs: int) -> Array:
    """int64 [outputs]."""
    tensor = view.optional(_BIAS)
    if tensor is None:
        return np.zeros(outputs, np.int64)
    if tensor.dtype != "int32" or tensor.elements != outputs:
        raise view.refuse(f"the bias must be int32 [{outputs}], not {tensor.describe()}")
    return view.constant(_BIAS).astype(np.int64).ravel()


def _phase_bias(view: View, phases: Array, input_zero: int) -> Constants:
    """int32 [phase, outputs]: bias - input_zero * the sum of the phase's weights, modulo 2^32."""
    sums = phases.sum(axis=(2, 3), dtype=np.int64)
    bias = _bias(view, phases.shape[1])
    return Constants("int32_t", (bias - input_zero * sums).astype(np.int32))


def _packed(
    view: View,
    parts: list[Part],
    bias: Array,
    requant: Array,
    clamp: tuple[int, int, bool],
    source: tuple[int, int, int],
    target: tuple[int, int, int],
) -> Kernel:
    """nj_packed_transpose of `parts`, in the order in which they are computed."""
    input_zero, output_zero = (
        view.scale_and_zero(tensor)[1] for tensor in (view.input(_INPUT), view.output)
    )
    table: list[tuple[int, ...]] = []
    weights: list[Array] = []
    numbers: list[Array] = []
    scratch = 0
    for part in parts:
        rows = part.weights.reshape(part.channels, -1)
        columns = part.channels // target[2]
        patch = -(-rows.shape[1] // packing.BLOCK) * packing.BLOCK
        folded = np.tile(bias, columns) - input_zero * rows.sum(axis=1, dtype=np.int64)
        sides = part.left > 0 or part.places - 1 - part.left + part.width > source[1]
        size = (1, part.places, part.channels)
        reading = reading_of(
            patch, part.weights.shape[1:3], source[2], 1, size, sides or part.left < 0
        )
        scratch = max(scratch, reading.list_bytes + reading.bytes)
        table.append(
            (
                *(part.first, part.rows, part.places, part.channels),
                *(part.weights.shape[1], part.top, part.left),
                *(patch, reading.batch, reading.turns),
                *(sum(one.size for one in weights), sum(one.size for one in numbers)),
            )
        )
        weights.append(packing.dense_weights(rows).values.ravel())
        scales = np.tile(requant, (columns, 1))
        numbers.append(packing.dense_requants(folded.astype(np.int32), scales).values.ravel())
    low, high, relu = clamp
    stride = view.options(WindowOptions).stride[0]
    return Kernel(
        "nj_transpose_conv_packed_s8",
        Parameters(
            "nj_packed_transpose",
            (
                ("input", image_struct(source)),
                ("input_zero_point", input_zero),
                ("output_zero_point", output_zero),
                ("activation_min", low),
                ("activation_max", high),
                ("relu", int(relu)),
                ("window_width", parts[0].width),
                ("pitch", stride * target[1] * target[2]),
                ("count", len(parts)),
                ("parts", Constants("int32_t", np.array(table, np.int32))),
                ("weights", Constants("int8_t", np.concatenate(weights))),
                ("requant", Constants("int8_t", np.concatenate(numbers))),
            ),
        ),
        (ParametersPointer(), InputPointer(_INPUT), OutputPointer(), ScratchPointer()),
        macs=view.output.elements * _met(view) * source[2],
        rule="double",
        scratch=scratch,
        reads_behind=packing.READS_BEHIND,
    )


def _met(view: View) -> int:
    """Taps that an output meets at most."""
    return int(prod(_taps(view.input(_WEIGHTS).shape, view.options(WindowOptions).stride)))


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
    requant = requants(view, reals, target[2])
    packs, relu = packing.fits(requant.values, output_zero, low, high)
    place = window_struct(options, target[:2], forward, window)
    if packs and rule == "double" and source[2] > 0 and options.stride[1] * target[2] <= MAX_PACKED:
        pads = dict(place)["pad_top"], dict(place)["pad_left"]
        bias = _bias(view, target[2])
        whole = as_convolutions(weights, options.stride, pads, source, target)
        return _packed(view, whole, bias, requant.values, (low, high, relu), source, target)
    return Kernel(
        "nj_transpose_conv_s8",
        Parameters(
            "nj_transpose_conv",
            (
                ("input", image_struct(source)),
                ("output", image_struct(target)),
                ("window", place),
                ("input_zero_point", input_zero),
                ("output_zero_point", output_zero),
                ("activation_min", low),
                ("activation_max", high),
                ("rounding", c_enum(rule)),
                ("weights", Constants("int8_t", phases)),
                ("bias", _phase_bias(view, phases, input_zero)),
                ("requant", requant),
            ),
        ),
        (ParametersPointer(), InputPointer(_INPUT), OutputPointer(), ScratchPointer()),
        macs=view.output.elements * _met(view) * source[2],
        rule=rule,
        scratch=phases.shape[2] * source[2],
    )


register("TRANSPOSE_CONV", Rule(_shape, per_image(_lower, _INPUT)))
