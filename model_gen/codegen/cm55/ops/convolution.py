"""CONV_2D and DEPTHWISE_CONV_2D."""

from dataclasses import dataclass

import numpy as np

from model_gen.codegen.cm55.ops import packing
from model_gen.codegen.cm55.ops.common import (
    batched,
    folded_bias,
    fused_range,
    image,
    image_struct,
    linear_channels_kernel,
    per_image,
    requants,
    symmetric_weights,
    window_output,
    window_struct,
)
from model_gen.codegen.cm55.ops.linear import linear_channels
from model_gen.codegen.cm55.ops.registry import (
    Constants,
    Field,
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
from model_gen.codegen.cm55.quantized_math import scale
from model_gen.codegen.tflite.graph import Array, Shape
from model_gen.codegen.tflite.options import WindowOptions
from model_gen.codegen.tflite.view import View

# Patches gathered at a time: enough to make the call of the inner loop cheap.
_BATCH_BYTES = 768
_MAX_BATCH = 32
_MAX_SPREAD = 16  # input channels: beyond, the zeros cost more than they save
MAX_PACKED = 1 << 15  # output channels: the kernel's offsets are 16 bits


def _depthwise(view: View) -> bool:
    return view.op.name == "DEPTHWISE_CONV_2D"


def _window(view: View) -> tuple[int, int]:
    weights = view.input(1)
    if len(weights.shape) != 4:
        raise view.refuse(f"the weights {weights.describe()} are not 4-dimensional")
    return weights.shape[1], weights.shape[2]


def _channels(view: View) -> int:
    """Output channels, after checking that the weights fit the input."""
    weights = view.input(1).shape
    inputs = batched(view, view.input(0))[3]
    if _depthwise(view):
        if weights[0] != 1 or inputs == 0 or weights[3] % inputs:
            raise view.refuse("depthwise weights do not fit the input's channels")
        return weights[3]
    if weights[3] == 0 or inputs % weights[3] or weights[0] % (inputs // weights[3]):
        raise view.refuse(
            f"the weights, {weights[0]} of {weights[3]} channels, are no groups of {inputs} channels"
        )
    return weights[0]


def _shape(view: View) -> Shape:
    batch, height, width, _ = batched(view, view.input(0))
    out = window_output(view, view.options(WindowOptions), (height, width), _window(view))
    return (batch, *out, _channels(view))


def _lower(view: View) -> Kernel:
    options = view.options(WindowOptions)
    channels = _channels(view)
    window = _window(view)
    source = image(view, view.input(0))
    target = image(view, view.output)
    axis = 3 if _depthwise(view) else 0
    weights, scales = symmetric_weights(view, 1, axis, channels)
    input_scale, input_zero = view.scale_and_zero(view.input(0))
    output_scale, output_zero = view.scale_and_zero(view.output)
    others = tuple(d for d in range(4) if d != axis)
    sums = weights.sum(axis=others, dtype=np.int64)
    low, high = fused_range(view, options.activation)
    rule = rule_of(view.op.name, view.rounding)
    # Formula: PopulateConvolutionQuantizationParams, in double throughout.
    reals = [input_scale * scale / output_scale for scale in scales]
    taps = window[0] * window[1] * (1 if _depthwise(view) else weights.shape[3])
    top, bottom, left, right = view.padding
    padded = source[0] + top + bottom, source[1] + left + right
    place = window_struct(options, padded, target[:2], window, (top, left))
    if view.optional(2) is None and view.rounding == "tflite":
        raise view.refuse("TensorFlow Lite's int8 kernel asks for a bias; give it one of zeros")
    bias = folded_bias(view, 2, sums, input_zero)
    requant = requants(view, reals, channels)
    shared: tuple[tuple[str, Field], ...] = (
        ("input", image_struct(source)),
        ("output", image_struct(target)),
        ("window", place),
        ("input_zero_point", input_zero),
        ("output_zero_point", output_zero),
        ("activation_min", low),
        ("activation_max", high),
    )
    if not _depthwise(view):
        weights = _ungrouped(weights, source[2])
    packs, relu = packing.fits(requant.values, output_zero, low, high)
    multiplier = channels // max(source[2], 1)
    # Few input channels with several outputs each: dense, with zeros for the other channels.
    spread = _depthwise(view) and (multiplier > 1 or source[2] == 1) and source[2] <= _MAX_SPREAD
    if packs and rule == "double" and channels <= MAX_PACKED and (spread or not _depthwise(view)):
        dense = _ungrouped(weights.transpose(3, 1, 2, 0), source[2]) if spread else weights
        rows = dense.reshape(channels, -1)
        patch = -(-rows.shape[1] // packing.BLOCK) * packing.BLOCK
        direct = window == (1, 1) and place[-2:] == (("pad_top", 0), ("pad_left", 0))
        sides = dict(place)["pad_left"] > 0 or (
            (target[1] - 1) * options.stride[1] + window[1] > source[1]
        )
        reading = reading_of(patch, window, source[2], options.dilation[1], target, sides)
        return Kernel(
            "nj_conv_2d_packed_s8",
            Parameters(
                "nj_packed_convolution",
                (
                    *shared,
                    ("relu", int(relu)),
                    ("patch", patch),
                    ("batch", reading.batch),
                    ("turns", reading.turns),
                    ("weights", packing.dense_weights(rows)),
                    ("requant", packing.dense_requants(bias.values, requant.values)),
                ),
            ),
            (ParametersPointer(), InputPointer(0), OutputPointer(), ScratchPointer()),
            macs=view.output.elements * taps,
            rule=rule,
            scratch=reading.list_bytes + (0 if direct else reading.bytes),
            reads_behind=packing.READS_BEHIND,
        )
    if (
        _depthwise(view)
        and taps == 1
        and channels == source[2]
        and source[:2] == target[:2]
        and not any(view.padding)
    ):
        linear = _linear_channels(view, weights.ravel(), bias.values, requant.values, rule)
        if linear is not None:
            return linear
    if (
        packs
        and rule == "double"
        and _depthwise(view)
        and channels == source[2]
        and weights.min() > -128
    ):
        even = packing.even(taps)
        return Kernel(
            "nj_depthwise_conv_2d_packed_s8",
            Parameters(
                "nj_packed_depthwise",
                (
                    *(field for field in shared if field[0] != "input_zero_point"),
                    ("relu", int(relu)),
                    ("taps", even),
                    (
                        "groups",
                        packing.depthwise_groups(
                            weights.reshape(taps, channels), bias.values, requant.values
                        ),
                    ),
                    ("padding", packing.padding_row(channels, input_zero)),
                ),
            ),
            (ParametersPointer(), InputPointer(0), OutputPointer(), ScratchPointer()),
            macs=view.output.elements * taps,
            rule=rule,
            scratch=4 * (taps + 3),
            reads_behind=packing.READS_BEHIND,
        )
    return Kernel(
        "nj_depthwise_conv_2d_s8" if _depthwise(view) else "nj_conv_2d_s8",
        Parameters(
            "nj_convolution",
            (
                *shared,
                ("rounding", c_enum(rule)),
                ("weights", Constants("int8_t", weights)),
                ("bias", bias),
                ("requant", requant),
            ),
        ),
        (ParametersPointer(), InputPointer(0), OutputPointer()),
        macs=view.output.elements * taps,
        rule=rule,
    )


@dataclass(frozen=True)
class Reading:
    """How the dense loop gets its patches; see nj_packed_convolution."""

    batch: int
    turns: int
    bytes: int  # of scratch for patches

    @property
    def list_bytes(self) -> int:
        """Scratch for the list of turns."""
        return 16 * self.turns + 12


def reading_of(
    patch: int,
    window: tuple[int, int],
    inputs: int,
    dilation_width: int,
    target: tuple[int, int, int],
    sides: bool,
) -> Reading:
    """In place where the window's rows are whole blocks, and its places where it sees padding at the `sides`, else
    gathered."""
    turns, row = packing.turns(patch // packing.BLOCK), window[1] * inputs
    apart = target[1] * target[2]  # bytes of two outputs in the kernel's 16 bits
    stretch = inputs if sides else row
    if stretch % packing.BLOCK == 0 and dilation_width == 1 and apart <= MAX_PACKED:
        of_rows = window[0] * row // stretch * packing.turns(stretch // packing.BLOCK)
        return Reading(0, max(turns, of_rows), row)
    batch = max(2, min(_BATCH_BYTES // patch, _MAX_BATCH) // 2 * 2)
    return Reading(batch, turns, batch * patch + packing.BLOCK)


def _ungrouped(weights: Array, inputs: int) -> Array:
    """Weights [outputs, height, width, channels of a group] as [..., inputs], with zeros for the other groups."""
    outputs, *window, each = weights.shape
    if each == inputs:
        return weights
    every = np.zeros((outputs, *window, inputs), np.int8)
    for output in range(outputs):
        first = output // (outputs * each // inputs) * each
        every[output, ..., first : first + each] = weights[output]
    return every


def _linear_channels(
    view: View, weights: Array, bias: Array, requant: Array, rule: str
) -> Kernel | None:
    """One place a window: each channel is a function of 256 steps, linear as far as its bytes tell."""
    low, high = fused_range(view, view.options(WindowOptions).activation)
    zero_point = view.scale_and_zero(view.output)[1]
    steps = np.arange(-128, 128, dtype=np.int64)
    wanted = []
    for weight, offset, (multiplier, shift) in zip(weights, bias, requant, strict=True):
        if shift > 0 or abs(int(offset)) > 1 << 30:
            return None
        scaled = scale(int(weight) * steps + int(offset), int(multiplier), int(shift), rule)
        wanted.append(scaled + zero_point)
    ratios = [
        int(weight) * int(multiplier) * 2.0 ** (int(shift) - 31)
        for weight, (multiplier, shift) in zip(weights, requant, strict=True)
    ]
    forms = linear_channels(wanted, ratios, low, high)
    if forms is None:
        return None
    return linear_channels_kernel(view, 0, forms, (low, high), rule)


for _name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
    register(_name, Rule(_shape, per_image(_lower)))
