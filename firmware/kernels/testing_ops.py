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
import testing_structures as cs
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


def linear_sum(
    library: ctypes.CDLL | Runner, inputs: tuple[Int8, Int8], numbers: Sequence[int]
) -> Int8:
    """`numbers`: the fields of nj_linear_sum."""
    output = np.empty(inputs[0].shape, np.int8)
    count = ctypes.c_size_t(output.size)
    return call(library, "nj_linear_sum_s8", cs.LinearSum(*numbers), inputs, output, count)


def linear_channels(
    library: ctypes.CDLL | Runner,
    x: Int8,
    factor: NDArray[np.int32],
    offset: NDArray[np.int32],
    shift: int,
    clamp: tuple[int, int],
) -> Int8:
    """x [places, channels]."""
    op = cs.LinearChannels(*x.shape, shift, *clamp)
    constants = {"factor": factor, "offset": offset}
    return call(library, "nj_linear_channels_s8", op, [x], np.empty(x.shape, np.int8), **constants)


def transpose(library: ctypes.CDLL | Runner, x: Int8, axes: Sequence[int]) -> Int8:
    """x of up to 6 dimensions."""
    shape = [x.shape[a] for a in axes]
    strides = [int(np.prod(x.shape[a + 1 :])) for a in axes]
    lead, six = 6 - len(shape), cs.I32 * 6
    op = cs.Transpose(six(*[1] * lead, *shape), six(*[0] * lead, *strides))
    return call(library, "nj_transpose_s8", op, [x], np.empty(shape, np.int8))


def extreme(library: ctypes.CDLL | Runner, name: str, inputs: tuple[Int8, Int8]) -> Int8:
    """maximum or minimum, with broadcast to 4 dimensions."""
    shape = np.broadcast_shapes(inputs[0].shape, inputs[1].shape)
    full = [1] * (4 - len(shape)) + list(shape)
    four = cs.I32 * 4
    op = cs.Elementwise(
        four(*full), four(*k.strides(inputs[0].shape, full)), four(*k.strides(inputs[1].shape, full))
    )  # fmt: skip
    return call(library, f"nj_{name}_s8", op, inputs, np.empty(shape, np.int8))


def gather(
    library: ctypes.CDLL | Runner, x: Int8, rows: NDArray[np.int32], columns: NDArray[np.int32]
) -> Int8:
    """x [outer, rows, columns, inner] at (rows[i], columns[j])."""
    outer, height, width, inner = x.shape
    op = cs.Gather(outer, len(rows), len(columns), height, width, inner)
    output = np.empty((outer, len(rows), len(columns), inner), np.int8)
    return call(library, "nj_gather_s8", op, [x], output, row_of=rows, column_of=columns)


def requantize(
    library: ctypes.CDLL | Runner,
    accumulators: NDArray[np.int32],
    pairs: NDArray[np.int32],
    rounding: int,
    zero_point: int = 0,
) -> Int8:
    """The accumulators as steps, each by its (multiplier, shift): a FULLY_CONNECTED of no inputs."""
    count = len(accumulators)
    op = cs.FullyConnected(1, 0, count, zero_point, -128, 127, rounding)
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


def quantize_u8(library: ctypes.CDLL | Runner, x: NDArray[np.float32], q: Q) -> Int8:
    """Float to uint8, whose bytes come as int8; the zero point is that of int8 steps."""
    return _converted(
        library, "nj_quantize_f32_u8", x, Q(q.scale, q.zero_point + 128), np.empty(x.size, np.int8)
    )


def dequantize_u8(library: ctypes.CDLL | Runner, x: Int8, q: Q) -> NDArray[np.float32]:
    """uint8, given as int8 bytes, to float."""
    unsigned = Q(q.scale, q.zero_point + 128)
    return _converted(library, "nj_dequantize_u8_f32", x, unsigned, np.empty(x.size, np.float32))


def _converted(library: ctypes.CDLL | Runner, name: str, x: Any, q: Q, output: Any) -> Any:
    if isinstance(library, ctypes.CDLL):
        count, scale = ctypes.c_size_t(x.size), ctypes.c_float(q.scale)
        getattr(library, name)(k.pointer(x), k.pointer(output), count, scale, q.zero_point)
    else:
        library.run(name, cs.Scale(q.scale, q.zero_point), {}, [x], output)
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
    four = cs.I32 * 4
    op = cs.Elementwise(
        four(*full), four(*k.strides(inputs[0].shape, full)),
        four(*k.strides(inputs[1].shape, full)), first.zero_point, second.zero_point,
        target.zero_point, left, cs.Requant(*one), cs.Requant(*two), cs.Requant(*out), low, high,
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
    op = cs.Pool(cs.Image(*x.shape[1:]), cs.Image(height, width, channels), window, low, high)
    return call(library, f"nj_{name}_s8", op, [x], np.empty((1, height, width, channels), np.int8))


def mean(
    library: ctypes.CDLL | Runner, x: Int8, axes: Sequence[int], source: Q, target: Q, rounding: int
) -> Int8:
    """Mean of a 4-dimensional x over axes, dimensions kept."""
    count = int(np.prod([x.shape[a] for a in axes]))
    four = cs.I32 * 4
    op = cs.Mean(
        four(*x.shape), four(*(int(d in axes) for d in range(4))), source.zero_point,
        target.zero_point, cs.Requant(*k.mean_requant(source.scale, target.scale, count)), rounding,
    )  # fmt: skip
    shape = [1 if d in axes else x.shape[d] for d in range(4)]
    return call(library, "nj_mean_s8", op, [x], np.empty(shape, np.int8))


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
    four = cs.I32 * 4
    op = cs.Elementwise(
        four(*full), four(*k.strides(x.shape, full)), four(*k.strides(alpha.shape, full)),
        source.zero_point, slope.zero_point, target.zero_point, 0,
        cs.Requant(*k.quantize_multiplier(source.scale / target.scale)), cs.Requant(0, 0),
        cs.Requant(*k.quantize_multiplier(source.scale * slope.scale / target.scale)), -128, 127,
        rounding,
    )  # fmt: skip
    return call(library, "nj_prelu_s8", op, inputs, np.empty(x.shape, np.int8))


def softmax(library: ctypes.CDLL | Runner, x: Int8, scale: float, beta: float) -> Int8:
    """Softmax of x [rows, depth]."""
    requant, least = k.softmax_constants(beta, scale)
    op = cs.Softmax(*x.shape, cs.Requant(*requant), least)
    return call(library, "nj_softmax_s8", op, [x], np.empty(x.shape, np.int8))
