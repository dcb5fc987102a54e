"""As testing_ops.py: the layers with weights, plain and packed. SPDX-License-Identifier: MIT"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
import testing_kernels as k
import testing_structures as cs
from numpy.typing import NDArray
from testing_ops import Int8, Q, Runner, call, requants


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
    op = cs.Convolution(
        cs.Image(*x.shape[1:]), cs.Image(height, width, channels), window, source.zero_point,
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
    images = cs.Image(*x.shape[1:]), cs.Image(height, width, channels), window
    rows = by_channel.reshape(channels, -1)
    scratch = k.pointer(np.empty(65536, np.int8))
    if dense:
        patch = -(-rows.shape[1] // 16) * 16
        row = weights.shape[2] * x.shape[3]
        reach = (width - 1) * window.stride_width + window.width
        stretch = x.shape[3] if window.pad_left or reach > x.shape[2] else row
        if in_place and (stretch % 16 or window.dilation_width > 1):
            return None
        of_rows = weights.shape[1] * row // stretch * -(-stretch // 128)
        turns = max(-(-patch // 128), of_rows if in_place else 0)
        op = cs.PackedConvolution(
            *images, source.zero_point, target.zero_point, low, high, relu, patch,
            0 if in_place else batch, turns,
        )  # fmt: skip
        packed, requant = pack_dense(rows, patch, constants)
        fields = {"weights": packed, "requant": requant}
        return call(library, "nj_conv_2d_packed_s8", op, [x], output, scratch, **fields)
    if channels != x.shape[3] or weights.min() == -128:
        return None
    taps = rows.shape[1] + rows.shape[1] % 2
    op = cs.PackedDepthwise(*images, target.zero_point, low, high, relu, taps)
    padding = np.full(-(-channels // 16) * 16, source.zero_point, np.int8)
    fields = {"groups": pack_depthwise(rows, taps, constants), "padding": padding}
    return call(library, "nj_depthwise_conv_2d_packed_s8", op, [x], output, scratch, **fields)


def packed_transpose(
    library: ctypes.CDLL | Runner,
    x: Int8,
    parts: Sequence[tuple[Int8, tuple[int, int, int], NDArray[np.int32]]],
    rows: int,
    zero_points: tuple[int, int],
    in_place: bool,
) -> Int8:
    """Parts side by side in each of `rows` rows: weights [channels, rows, columns, inputs], the places of a row with
    the rows and columns before the image, and int32 [channels, 3] of bias, multiplier and shift."""
    table, weights, numbers = [], [], []
    pitch = sum(len(part) * place[0] for part, place, _ in parts)
    first = 0
    for part, (places, top, left), constants in parts:
        channels, height, width, inputs = part.shape
        patch = -(-height * width * inputs // 16) * 16
        turns = height * width * -(-inputs // 128) + -(-patch // 128)
        sizes = (sum(one.size for one in weights), sum(one.size for one in numbers))
        where = (first, rows, places, channels, height, top, left)
        table.append((*where, patch, 0 if in_place else 4, turns, *sizes))
        packed = pack_dense(
            part.reshape(channels, -1), patch, [tuple(map(int, c)) for c in constants]
        )
        weights.append(packed[0].ravel())
        numbers.append(packed[1].ravel())
        first += places * channels
    relu = zero_points[1] == -128
    op = cs.PackedTranspose(
        cs.Image(*x.shape[1:]), *zero_points, -128, 127 if relu else 100, relu, parts[0][0].shape[2], pitch,
        len(parts),
    )  # fmt: skip
    fields: dict[str, NDArray[Any]] = {
        "parts": np.array(table, np.int32),
        "weights": np.concatenate(weights),
        "requant": np.concatenate(numbers),
    }
    output, scratch = np.empty((rows, pitch), np.int8), k.pointer(np.empty(65536, np.int8))
    return call(library, "nj_transpose_conv_packed_s8", op, [x], output, scratch, **fields)


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
    op = cs.FullyConnected(
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
    op = cs.PackedFullyConnected(
        len(x), x.shape[1], len(weights), target.zero_point, low, high, rounding
    )
    packed, requant = pack_dense(weights, -(-x.shape[1] // 16) * 16, constants)
    output = np.empty((len(x), len(weights)), np.int8)
    fields = {"weights": packed, "requant": requant}
    return call(library, "nj_fully_connected_packed_s8", op, [x], output, **fields)
