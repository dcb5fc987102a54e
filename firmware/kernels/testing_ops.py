"""Each kernel called from NumPy arrays and real scales: what a generator does, in the fewest words.

This folder must be on sys.path (conftest.py sees to it).

SPDX-License-Identifier: MIT
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import testing_kernels as k
from numpy.typing import NDArray

Int8 = NDArray[np.int8]


@dataclass(frozen=True)
class Q:
    """A quantization: scale and zero point."""

    scale: float
    zero_point: int = 0


def requants(pairs: Sequence[tuple[int, int]]) -> NDArray[np.int32]:
    return np.array(pairs, np.int32).reshape(-1, 2)


class Runner(Protocol):
    """Runs a kernel elsewhere: the constants that `op` points at come along by field name."""

    def run(
        self,
        name: str,
        op: Any,
        constants: dict[str, NDArray[Any]],
        inputs: list[Int8],
        output: Int8,
    ) -> None: ...


def call(
    library: ctypes.CDLL | Runner,
    name: str,
    op: Any,
    inputs: Sequence[Int8],
    output: Int8,
    *extra: Any,
    **constants: NDArray[Any],
) -> Int8:
    """`extra`: arguments behind the output, which the machine's runner knows by itself."""
    arrays = [np.ascontiguousarray(value) for value in inputs]
    for field, value in constants.items():
        setattr(op, field, k.pointer(value))
    if isinstance(library, ctypes.CDLL):
        pointers = [k.pointer(array) for array in (*arrays, output)]
        getattr(library, name)(ctypes.byref(op), *pointers, *extra)
    else:
        library.run(name, op, constants, arrays, output)
    return output


def fold_bias(bias: NDArray[Any], weights: NDArray[Any], zero_point: int) -> NDArray[np.int32]:
    """bias - zero_point * sum(weights) modulo 2^32; weights [output channel, ...]."""
    total = weights.reshape(len(weights), -1).astype(np.int64).sum(1)
    return (bias.astype(np.int64) - zero_point * total).astype(np.int32)


def convolution(
    library: ctypes.CDLL | Runner,
    name: str,
    x: Int8,
    weights: Int8,
    bias: NDArray[np.int32],
    quantization: tuple[Q, Sequence[float], Q],
    geometry: Any,
    rounding: int = 1,
) -> Int8:
    """conv_2d: weights [oc, h, w, ic]; depthwise_conv_2d: [1, h, w, oc]. x [1, h, w, ic]."""
    source, scales, target = quantization
    window, height, width = geometry.place(x.shape[1:3], weights.shape[1:3])
    by_channel = weights if name == "conv_2d" else np.moveaxis(weights, 3, 0)
    folded = fold_bias(bias, by_channel, source.zero_point)
    pairs = [
        k.quantize_multiplier(k.convolution_scale(source.scale, s, target.scale)) for s in scales
    ]
    scale = requants(pairs)
    low, high = k.activation_range(geometry.activation, target.scale, target.zero_point)
    channels = len(by_channel)
    op = k.Convolution(
        k.Image(*x.shape[1:]), k.Image(height, width, channels), window, source.zero_point,
        target.zero_point, low, high, rounding,
    )  # fmt: skip
    output = np.empty((1, height, width, channels), np.int8)
    constants = {"weights": weights, "bias": folded, "requant": scale}
    return call(library, f"nj_{name}_s8", op, [x], output, **constants)


def packed_convolution(
    library: ctypes.CDLL | Runner,
    name: str,
    x: Int8,
    weights: Int8,
    bias: NDArray[np.int32],
    quantization: tuple[Q, Sequence[float], Q],
    geometry: Any,
    batch: int = 4,
    in_place: bool = False,
) -> Int8 | None:
    """As `convolution`, by the kernels with packed weights; None where they do not take it, or not `in_place`."""
    source, scales, target = quantization
    window, height, width = geometry.place(x.shape[1:3], weights.shape[1:3])
    dense = name == "conv_2d"
    by_channel = weights if dense else np.moveaxis(weights, 3, 0)
    channels = len(by_channel)
    pairs = [
        k.quantize_multiplier(k.convolution_scale(source.scale, s, target.scale)) for s in scales
    ]
    low, high = k.activation_range(geometry.activation, target.scale, target.zero_point)
    relu = (target.zero_point, low, high) == (-128, -128, 127)
    if max(shift for _, shift in pairs) > (0 if relu else -1):
        return None
    folded = fold_bias(bias, by_channel, source.zero_point)
    constants = [(int(b), *pair) for b, pair in zip(folded, pairs, strict=True)]
    output = np.empty((1, height, width, channels), np.int8)
    images = k.Image(*x.shape[1:]), k.Image(height, width, channels), window
    rows = by_channel.reshape(channels, -1)
    scratch = k.pointer(np.empty(65536, np.int8))
    if dense:
        patch = -(-rows.shape[1] // 16) * 16
        row = weights.shape[2] * x.shape[3]
        if in_place and (row % 16 or window.dilation_width > 1):
            return None
        of_rows = weights.shape[1] * -(-row // 128)
        turns = max(-(-patch // 128), of_rows if in_place else 0)
        op = k.PackedConvolution(
            *images, source.zero_point, target.zero_point, low, high, relu, patch,
            0 if in_place else batch, turns,
        )  # fmt: skip
        packed, requant = pack_dense(rows, patch, constants)
        fields = {"weights": packed, "requant": requant}
        return call(library, "nj_conv_2d_packed_s8", op, [x], output, scratch, **fields)
    if channels != x.shape[3] or weights.min() == -128:
        return None
    taps = rows.shape[1] + rows.shape[1] % 2
    op = k.PackedDepthwise(*images, target.zero_point, low, high, relu, taps)
    padding = np.full(-(-channels // 16) * 16, source.zero_point, np.int8)
    fields = {"groups": pack_depthwise(rows, taps, constants), "padding": padding}
    return call(library, "nj_depthwise_conv_2d_packed_s8", op, [x], output, scratch, **fields)


def pack_dense(
    rows: Int8, patch: int, constants: Sequence[tuple[int, int, int]]
) -> tuple[Int8, Int8]:
    """Weights and (bias, multiplier, shift) as nj_packed_convolution lays them out, byte by byte."""
    outputs, size = rows.shape
    weights: list[int] = []
    requant = b""
    for group in range(0, outputs, 4):
        members = [min(group + i, outputs - 1) for i in range(4)]
        for start in range(0, patch, 16):
            for oc in members:
                weights += [int(rows[oc, i]) if i < size else 0 for i in range(start, start + 16)]
        for field, kind in enumerate(("<i4", "<i4", "i1")):
            requant += np.array([constants[oc][field] for oc in members], kind).tobytes()
    return np.array(weights, np.int8), np.frombuffer(requant, np.int8).copy()


def pack_depthwise(rows: Int8, taps: int, constants: Sequence[tuple[int, int, int]]) -> Int8:
    """The groups of nj_packed_depthwise, byte by byte."""
    if 16 % len(rows) == 0:
        rows, constants = np.tile(rows, (16 // len(rows), 1)), [*constants] * (16 // len(rows))
    channels, count = rows.shape
    data = b""
    for start in range(0, channels, 16):
        for tap in range(taps):
            lanes = [
                int(rows[c, tap]) if c < channels and tap < count else 0
                for c in range(start, start + 16)
            ]
            data += np.array(lanes, np.int8).tobytes()
        for first in (0, 2, 1, 3):
            members = [start + first + 4 * i for i in range(4)]
            for field in range(3):
                words = [constants[c][field] if c < channels else 0 for c in members]
                data += np.array(words, "<i4").tobytes()
    return np.frombuffer(data, np.int8).copy()


def linear_sum(
    library: ctypes.CDLL | Runner, inputs: tuple[Int8, Int8], numbers: Sequence[int]
) -> Int8:
    """`numbers`: the fields of nj_linear_sum."""
    output = np.empty(inputs[0].shape, np.int8)
    count = ctypes.c_size_t(output.size)
    return call(library, "nj_linear_sum_s8", k.LinearSum(*numbers), inputs, output, count)


def linear_channels(
    library: ctypes.CDLL | Runner,
    x: Int8,
    factor: NDArray[np.int32],
    offset: NDArray[np.int32],
    shift: int,
    clamp: tuple[int, int],
) -> Int8:
    """x [places, channels]."""
    op = k.LinearChannels(*x.shape, shift, *clamp)
    constants = {"factor": factor, "offset": offset}
    return call(library, "nj_linear_channels_s8", op, [x], np.empty(x.shape, np.int8), **constants)


def transpose(library: ctypes.CDLL | Runner, x: Int8, axes: Sequence[int]) -> Int8:
    """x of up to 6 dimensions."""
    shape = [x.shape[a] for a in axes]
    strides = [int(np.prod(x.shape[a + 1 :])) for a in axes]
    lead, six = 6 - len(shape), k.I32 * 6
    op = k.Transpose(six(*[1] * lead, *shape), six(*[0] * lead, *strides))
    return call(library, "nj_transpose_s8", op, [x], np.empty(shape, np.int8))


def extreme(library: ctypes.CDLL | Runner, name: str, inputs: tuple[Int8, Int8]) -> Int8:
    """maximum or minimum, with broadcast to 4 dimensions."""
    shape = np.broadcast_shapes(inputs[0].shape, inputs[1].shape)
    full = [1] * (4 - len(shape)) + list(shape)
    four = k.I32 * 4
    op = k.Elementwise(
        four(*full), four(*k.strides(inputs[0].shape, full)), four(*k.strides(inputs[1].shape, full))
    )  # fmt: skip
    return call(library, f"nj_{name}_s8", op, inputs, np.empty(shape, np.int8))


def gather(
    library: ctypes.CDLL | Runner, x: Int8, rows: NDArray[np.int32], columns: NDArray[np.int32]
) -> Int8:
    """x [outer, rows, columns, inner] at (rows[i], columns[j])."""
    outer, height, width, inner = x.shape
    op = k.Gather(outer, len(rows), len(columns), height, width, inner)
    output = np.empty((outer, len(rows), len(columns), inner), np.int8)
    return call(library, "nj_gather_s8", op, [x], output, row_of=rows, column_of=columns)


def fully_connected(
    library: ctypes.CDLL | Runner,
    x: Int8,
    weights: Int8,
    bias: NDArray[np.int32],
    quantization: tuple[Q, Sequence[float], Q],
    activation: int,
    rounding: int,
    weights_zero_point: int = 0,
) -> Int8:
    """x [batches, inputs], weights [outputs, inputs]."""
    source, scales, target = quantization
    real = np.array([k.convolution_scale(source.scale, s, target.scale) for s in scales])
    scale = requants([k.quantize_multiplier(s) for s in real])
    shifted = weights.astype(np.int64) - weights_zero_point
    folded = fold_bias(bias, shifted, source.zero_point)
    low, high = k.activation_range(activation, target.scale, target.zero_point)
    op = k.FullyConnected(
        len(x), x.shape[1], len(weights), target.zero_point, low, high, rounding,
        weights_zero_point=weights_zero_point,
    )  # fmt: skip
    output = np.empty((len(x), len(weights)), np.int8)
    constants = {"weights": weights, "bias": folded, "requant": scale, "scale": real}
    return call(library, "nj_fully_connected_s8", op, [x], output, **constants)


def packed_fully_connected(
    library: ctypes.CDLL | Runner,
    x: Int8,
    weights: Int8,
    bias: NDArray[np.int32],
    quantization: tuple[Q, Sequence[float], Q],
    activation: int,
    rounding: int,
) -> Int8 | None:
    """As `fully_connected`, with packed weights; None where a shift is to the left."""
    source, scales, target = quantization
    pairs = [
        k.quantize_multiplier(k.convolution_scale(source.scale, s, target.scale)) for s in scales
    ]
    if max(shift for _, shift in pairs) > 0:
        return None
    low, high = k.activation_range(activation, target.scale, target.zero_point)
    folded = fold_bias(bias, weights, source.zero_point)
    constants = [(int(b), *pair) for b, pair in zip(folded, pairs, strict=True)]
    op = k.PackedFullyConnected(
        len(x), x.shape[1], len(weights), target.zero_point, low, high, rounding
    )
    packed, requant = pack_dense(weights, -(-x.shape[1] // 16) * 16, constants)
    output = np.empty((len(x), len(weights)), np.int8)
    fields = {"weights": packed, "requant": requant}
    return call(library, "nj_fully_connected_packed_s8", op, [x], output, **fields)


def requantize(
    library: ctypes.CDLL | Runner,
    accumulators: NDArray[np.int32],
    pairs: NDArray[np.int32],
    rounding: int,
    zero_point: int = 0,
) -> Int8:
    """The accumulators as steps, each by its (multiplier, shift): a FULLY_CONNECTED of no inputs."""
    count = len(accumulators)
    op = k.FullyConnected(1, 0, count, zero_point, -128, 127, rounding)
    empty = np.zeros(16, np.int8)
    constants = {"weights": empty, "bias": accumulators, "requant": pairs}
    output = np.empty(count, np.int8)
    return call(library, "nj_fully_connected_s8", op, [empty], output, **constants)


def lookup(library: ctypes.CDLL | Runner, table: Int8, x: Int8) -> Int8:
    """table[x + 128]."""
    output = np.empty(x.size, np.int8)
    if isinstance(library, ctypes.CDLL):
        library.nj_lookup_s8(*map(k.pointer, (table, x, output)), ctypes.c_size_t(x.size))
    else:
        library.run("nj_lookup_s8", None, {}, [table, x], output)
    return output


def quantize(library: ctypes.CDLL | Runner, x: NDArray[np.float32], q: Q) -> Int8:
    """Float to int8."""
    return _converted(library, "nj_quantize_f32_s8", x, q, np.empty(x.size, np.int8))


def dequantize(library: ctypes.CDLL | Runner, x: Int8, q: Q) -> NDArray[np.float32]:
    """int8 to float."""
    return _converted(library, "nj_dequantize_s8_f32", x, q, np.empty(x.size, np.float32))


def _converted(library: ctypes.CDLL | Runner, name: str, x: Any, q: Q, output: Any) -> Any:
    if isinstance(library, ctypes.CDLL):
        count, scale = ctypes.c_size_t(x.size), ctypes.c_float(q.scale)
        getattr(library, name)(k.pointer(x), k.pointer(output), count, scale, q.zero_point)
    else:
        library.run(name, k.Scale(q.scale, q.zero_point), {}, [x], output)
    return output


def elementwise(
    library: ctypes.CDLL | Runner,
    name: str,
    inputs: tuple[Int8, Int8],
    quantization: tuple[Q, Q, Q],
    activation: int = 0,
    rounding: int = 1,
    tflm: bool = False,
) -> Int8:
    """add, sub, mul or squared_difference, with broadcast to 4 dimensions."""
    first, second, target = quantization
    shape = np.broadcast_shapes(inputs[0].shape, inputs[1].shape)
    full = [1] * (4 - len(shape)) + list(shape)
    if name == "mul":
        out = k.mul_requant(first.scale, second.scale, target.scale, tflm)
        one, two, left = (0, 0), (0, 0), 0
    elif name == "squared_difference":
        one, two, out, left = k.square_requants(first.scale, second.scale, target.scale)
    else:
        one, two, out, left = k.add_requants(first.scale, second.scale, target.scale)
    low, high = k.activation_range(activation, target.scale, target.zero_point)
    four = k.I32 * 4
    op = k.Elementwise(
        four(*full), four(*k.strides(inputs[0].shape, full)),
        four(*k.strides(inputs[1].shape, full)), first.zero_point, second.zero_point,
        target.zero_point, left, k.Requant(*one), k.Requant(*two), k.Requant(*out), low, high,
        rounding,
    )  # fmt: skip
    return call(library, f"nj_{name}_s8", op, inputs, np.empty(shape, np.int8))


def pool(
    library: ctypes.CDLL | Runner, name: str, x: Int8, size: tuple[int, int], geometry: Any, q: Q
) -> Int8:
    """average_pool_2d or max_pool_2d of x [1, h, w, c]."""
    window, height, width = geometry.place(x.shape[1:3], size)
    low, high = k.activation_range(geometry.activation, q.scale, q.zero_point)
    channels = x.shape[3]
    op = k.Pool(k.Image(*x.shape[1:]), k.Image(height, width, channels), window, low, high)
    return call(library, f"nj_{name}_s8", op, [x], np.empty((1, height, width, channels), np.int8))


def mean(
    library: ctypes.CDLL | Runner, x: Int8, axes: Sequence[int], source: Q, target: Q, rounding: int
) -> Int8:
    """Mean of a 4-dimensional x over axes, dimensions kept."""
    count = int(np.prod([x.shape[a] for a in axes]))
    four = k.I32 * 4
    op = k.Mean(
        four(*x.shape), four(*(int(d in axes) for d in range(4))), source.zero_point,
        target.zero_point, k.Requant(*k.mean_requant(source.scale, target.scale, count)), rounding,
    )  # fmt: skip
    shape = [1 if d in axes else x.shape[d] for d in range(4)]
    return call(library, "nj_mean_s8", op, [x], np.empty(shape, np.int8))


def total(
    library: ctypes.CDLL | Runner,
    x: Int8,
    axes: Sequence[int],
    quantization: tuple[Q, Q],
    unsigned: bool,
    rounding: int,
) -> Int8:
    """SUM of a 4-dimensional x over axes, dimensions kept."""
    source, target = quantization
    four = k.I32 * 4
    op = k.Sum(
        four(*x.shape), four(*(int(d in axes) for d in range(4))), source.zero_point,
        target.zero_point, int(unsigned),
        k.Requant(*k.quantize_multiplier(source.scale / target.scale)), rounding,
    )  # fmt: skip
    shape = [1 if d in axes else x.shape[d] for d in range(4)]
    return call(library, "nj_sum_s8", op, [x], np.empty(shape, np.int8))


def prelu(
    library: ctypes.CDLL | Runner,
    inputs: tuple[Int8, Int8],
    quantization: tuple[Q, Q, Q],
    rounding: int = 1,
) -> Int8:
    """x and alpha, which is broadcast to it."""
    x, alpha = inputs
    source, slope, target = quantization
    full = [1] * (4 - x.ndim) + list(x.shape)
    four = k.I32 * 4
    op = k.Elementwise(
        four(*full), four(*k.strides(x.shape, full)), four(*k.strides(alpha.shape, full)),
        source.zero_point, slope.zero_point, target.zero_point, 0,
        k.Requant(*k.quantize_multiplier(source.scale / target.scale)), k.Requant(0, 0),
        k.Requant(*k.quantize_multiplier(source.scale * slope.scale / target.scale)), -128, 127,
        rounding,
    )  # fmt: skip
    return call(library, "nj_prelu_s8", op, inputs, np.empty(x.shape, np.int8))


def softmax(library: ctypes.CDLL | Runner, x: Int8, scale: float, beta: float) -> Int8:
    """Softmax of x [rows, depth]."""
    requant, least = k.softmax_constants(beta, scale)
    op = k.Softmax(*x.shape, k.Requant(*requant), least)
    return call(library, "nj_softmax_s8", op, [x], np.empty(x.shape, np.int8))
