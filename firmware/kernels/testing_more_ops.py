"""As testing_ops.py: the kernels that choose among steps or move them. SPDX-License-Identifier: MIT"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
import testing_kernels as k
import testing_ops as ops
import testing_structures as cs
from numpy.typing import NDArray
from testing_layers import fold_bias, pack_dense
from testing_ops import Int8, Q, Runner, call


def reduced(library: ctypes.CDLL | Runner, name: str, x: Int8, axes: Sequence[int]) -> Int8:
    """reduce_max or reduce_min of a 4-dimensional x over axes, dimensions kept."""
    four = cs.I32 * 4
    op = cs.Reduce(four(*x.shape), four(*(int(d in axes) for d in range(4))))
    shape = [1 if d in axes else x.shape[d] for d in range(4)]
    return call(library, f"nj_{name}_s8", op, [x], np.empty(shape, np.int8))


def resize_bilinear(
    library: ctypes.CDLL | Runner, x: Int8, rows: NDArray[np.int32], columns: NDArray[np.int32]
) -> Int8:
    """x [images, height, width, channels]; rows and columns [n, 3] as the kernel takes them."""
    images, height, width, channels = x.shape
    op = cs.ResizeBilinear(images, len(rows), len(columns), height, width, channels)
    output = np.empty((images, len(rows), len(columns), channels), np.int8)
    name = "nj_resize_bilinear_s8"
    return call(library, name, op, [x], output, row_between=rows, column_between=columns)


def transpose_conv(
    library: ctypes.CDLL | Runner,
    x: Int8,
    weights: Int8,
    bias: NDArray[np.int32],
    requant: NDArray[np.int32],
    window: cs.Window,
    size: tuple[int, int],
    zero_points: tuple[int, int],
) -> Int8:
    """x [1, height, width, inputs]; weights [phase, outputs, taps, inputs], bias [phase, outputs]."""
    outputs = weights.shape[1]
    op = cs.Convolution(
        cs.Image(*x.shape[1:]), cs.Image(*size, outputs), window, *zero_points, -128, 127, k.DOUBLE
    )
    output = np.empty((1, *size, outputs), np.int8)
    fields = {"weights": weights, "bias": bias, "requant": requant}
    scratch = np.empty(65536, np.int8)
    return call(library, "nj_transpose_conv_s8", op, [x], output, k.pointer(scratch), **fields)


def batch_matmul(
    library: ctypes.CDLL | Runner,
    inputs: tuple[Int8, Int8],
    turns: tuple[int, int],
    quantization: tuple[Q, Q, Q],
) -> Int8:
    """Two matrices, a batch each or one for all: [batch, rows, depth] and [batch, columns, depth], or turned."""
    one, two = inputs
    first, second, target = quantization
    rows, depth = one.shape[:0:-1] if turns[0] else one.shape[1:]
    columns = two.shape[2 if turns[1] else 1]
    batches = max(len(one), len(two))
    three = cs.I32 * 3
    pair = k.quantize_multiplier(k.convolution_scale(first.scale, second.scale, target.scale))
    op = cs.BatchMatmul(
        three(1, 1, batches), *(three(0, 0, x[0].size if len(x) > 1 else 0) for x in inputs),
        rows, columns, depth, *turns, first.zero_point, second.zero_point, target.zero_point,
        cs.Requant(*pair), k.DOUBLE,
    )  # fmt: skip
    scratch = np.empty(65536, np.int8)
    output = np.empty((batches, rows, columns), np.int8)
    return call(library, "nj_batch_matmul_s8", op, inputs, output, k.pointer(scratch))


def svdf(
    library: ctypes.CDLL | Runner,
    x: Int8,
    weights: tuple[Int8, NDArray[np.int16]],
    biases: tuple[NDArray[np.int32], NDArray[np.int32]],
    state: NDArray[np.int16],
    scales: tuple[float, float],
    zero_points: tuple[int, int],
) -> Int8:
    """x [batches, inputs]; weights [filters, inputs] and [filters, memory]; state [batches, filters, memory]."""
    features, time = weights
    units = len(biases[1])
    pairs = [cs.Requant(*k.quantize_multiplier(scale)) for scale in scales]
    sizes = (*x.shape, len(features), len(features) // units, time.shape[1])
    op = cs.Svdf(*sizes, zero_points[1], *pairs)
    fields = {
        "feature_weights": features,
        "feature_bias": fold_bias(biases[0], features, zero_points[0]),
        "time_weights": time,
        "bias": biases[1],
    }
    held: Any = state.copy()  # the kernel writes there
    return call(library, "nj_svdf_s8", op, [x, held], np.empty((len(x), units), np.int8), **fields)


def select(library: ctypes.CDLL | Runner, inputs: tuple[Int8, Int8, Int8]) -> Int8:
    """The second where the first is not 0, else the third; with broadcast to 4 dimensions."""
    shape = np.broadcast_shapes(*(x.shape for x in inputs))
    full = [1] * (4 - len(shape)) + list(shape)
    four = cs.I32 * 4
    op = cs.Select(four(*full), *(four(*k.strides(x.shape, full)) for x in inputs))
    return call(library, "nj_select_s8", op, inputs, np.empty(shape, np.int8))


def div(
    library: ctypes.CDLL | Runner,
    inputs: tuple[Int8, Int8],
    zero_points: tuple[int, int, int],
    multiplier: int,
    reciprocals: NDArray[np.int32],
) -> Int8:
    """With broadcast to 4 dimensions; reciprocals [256, 2]."""
    shape = np.broadcast_shapes(*(x.shape for x in inputs))
    full = [1] * (4 - len(shape)) + list(shape)
    four = cs.I32 * 4
    strides = (four(*k.strides(x.shape, full)) for x in inputs)
    op = cs.Div(four(*full), *strides, *zero_points, multiplier, -128, 127)
    output = np.empty(shape, np.int8)
    return call(library, "nj_div_s8", op, inputs, output, reciprocals=reciprocals)


def logistic_table() -> NDArray[np.uint16]:
    """2^16 times the logistic function of i / 24, the last one 65535."""
    value = np.rint(65536 / (1 + np.exp(-np.arange(256) / 24))).astype(np.uint16)
    value[-1] = 65535
    return value


def squash(
    library: ctypes.CDLL | Runner, x: NDArray[np.int16], tanh: bool, bits: int, table: bool
) -> Int8:
    """int16 to int16: logistic of 3 integer bits, or tanh of `bits`."""
    fields = {"table": logistic_table()} if table else {}
    op = cs.Squash(len(x), tanh, bits)
    output: Any = np.empty(len(x), np.int16)
    held: Any = x
    return call(library, "nj_squash_s8", op, [held], output, **fields)


def lstm(
    library: ctypes.CDLL | Runner,
    x: Int8,
    weights: tuple[Int8, Int8],
    biases: NDArray[np.int32],
    scales: NDArray[np.float64],
    state: tuple[NDArray[np.int16], Int8],
    form: tuple[int, int, int, bool],
) -> Int8:
    """x [batches, steps, inputs]; weights [4, units, inputs] and [4, units, units]; scales [2, 4].

    biases: [2, 4, units]. state: cell and hidden, [batches, units]. form: integer bits of the cell, its clip, the
    output's zero point, and whether with a table.
    """
    batches, steps, inputs = x.shape
    units = weights[1].shape[1]
    bits, clip, zero_point, table = form
    requants = [ops.requants([k.quantize_multiplier(float(s)) for s in row]) for row in scales]
    squash = [cs.Requant(*k.quantize_multiplier(2.0**n)) for n in (-15, -15 - bits, -23)]
    rows = (steps, 1)
    op = cs.Lstm(batches, steps, inputs, units, *rows, zero_point, bits, clip, *squash)
    packed = []
    for one in weights:
        rows_of = one.transpose(1, 0, 2).reshape(4 * units, -1)  # of each unit its four gates
        patch = one.shape[2] + -one.shape[2] % 16
        packed.append(pack_dense(rows_of, patch, [(0, 0, 0)] * len(rows_of))[0])
    of_units = np.pad(biases.transpose(0, 2, 1), ((0, 0), (0, units % 2), (0, 0)))
    fields = {
        "input_weights": packed[0],
        "input_bias": of_units[0].copy(),
        "input_requant": requants[0],
        "recurrent_weights": packed[1],
        "recurrent_bias": of_units[1].copy(),
        "recurrent_requant": requants[1],
    }
    if table:
        fields["table"] = logistic_table()
    held: Any = np.frombuffer(
        state[0].tobytes() + state[1].tobytes() + bytes(state[1].size % 2), np.int16
    )
    held = held.copy()  # the kernel writes there
    output = np.empty((batches, steps, units), np.int8)
    name = "nj_unidirectional_sequence_lstm_s8"
    if isinstance(
        library, ctypes.CDLL
    ):  # where the machine's runner knows by itself where these lie
        hidden = ctypes.c_void_p(held.ctypes.data + state[0].nbytes)
        scratch = np.empty(8 * (units + -units % 8) + units + -units % 16, np.int8)
        for field, constant in fields.items():
            setattr(op, field, k.pointer(constant))
        pointers = (k.pointer(x), hidden, k.pointer(held), k.pointer(output), k.pointer(scratch))
        getattr(library, name)(ctypes.byref(op), *pointers)
        return output
    return call(library, name, op, [x, held], output, **fields)


def unpack(
    library: ctypes.CDLL | Runner,
    rows: int,
    group_rows: int,
    kinds: NDArray[np.uint8],
    data: NDArray[np.uint8],
    tables: Int8 | None,
) -> Int8:
    """Weights [rows, 16]; see nj_packed_weights. The last 72 bytes of `data` are those behind the stream."""
    op = cs.PackedWeights(rows, group_rows, len(data) - 72)
    constants: dict[str, NDArray[Any]] = {"kinds": kinds, "data": data}
    constants |= {} if tables is None else {"tables": tables}
    return call(library, "nj_unpack_s8", op, [], np.empty((rows, 16), np.int8), **constants)
