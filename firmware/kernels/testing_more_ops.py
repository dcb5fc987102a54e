"""As testing_ops.py: the kernels that choose among steps or move them. SPDX-License-Identifier: MIT"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np
import testing_kernels as k
from numpy.typing import NDArray
from testing_ops import Int8, Runner, call


def reduced(library: ctypes.CDLL | Runner, name: str, x: Int8, axes: Sequence[int]) -> Int8:
    """reduce_max or reduce_min of a 4-dimensional x over axes, dimensions kept."""
    four = k.I32 * 4
    op = k.Reduce(four(*x.shape), four(*(int(d in axes) for d in range(4))))
    shape = [1 if d in axes else x.shape[d] for d in range(4)]
    return call(library, f"nj_{name}_s8", op, [x], np.empty(shape, np.int8))


def resize_bilinear(
    library: ctypes.CDLL | Runner, x: Int8, rows: NDArray[np.int32], columns: NDArray[np.int32]
) -> Int8:
    """x [images, height, width, channels]; rows and columns [n, 3] as the kernel takes them."""
    images, height, width, channels = x.shape
    op = k.ResizeBilinear(images, len(rows), len(columns), height, width, channels)
    output = np.empty((images, len(rows), len(columns), channels), np.int8)
    name = "nj_resize_bilinear_s8"
    return call(library, name, op, [x], output, row_between=rows, column_between=columns)


def transpose_conv(
    library: ctypes.CDLL | Runner,
    x: Int8,
    weights: Int8,
    bias: NDArray[np.int32],
    requant: NDArray[np.int32],
    window: k.Window,
    size: tuple[int, int],
    zero_points: tuple[int, int],
) -> Int8:
    """x [1, height, width, inputs]; weights [phase, outputs, taps, inputs], bias [phase, outputs]."""
    outputs = weights.shape[1]
    op = k.Convolution(
        k.Image(*x.shape[1:]), k.Image(*size, outputs), window, *zero_points, -128, 127, k.DOUBLE
    )
    output = np.empty((1, *size, outputs), np.int8)
    fields = {"weights": weights, "bias": bias, "requant": requant}
    scratch = np.empty(65536, np.int8)
    return call(library, "nj_transpose_conv_s8", op, [x], output, k.pointer(scratch), **fields)
