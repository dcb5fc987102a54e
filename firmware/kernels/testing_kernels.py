"""The kernels as Python functions, and the constants that a generator must hand them.

The functions take NumPy arrays and real scales, compute the kernels' constants exactly as the references do (README.md,
"Constants"), and call the C through ctypes. They are the executable description of that arithmetic.

SPDX-License-Identifier: MIT
"""

from __future__ import annotations

import ctypes
import math
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import testing_structures as cs
from numpy.typing import NDArray

HERE = Path(__file__).parent
SINGLE, DOUBLE, REAL = 0, 1, 2
WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O3"]
Int8 = NDArray[np.int8]


def compile_library(folder: Path) -> ctypes.CDLL:
    """Compiles all kernels with the host's gcc into a shared library under folder."""
    target = folder / "libnj_kernels.so"
    sources = [*sorted(map(str, HERE.glob("*.c"))), str(HERE / "testing" / "nj_squash.c")]
    subprocess.run(
        ["gcc", *WARNINGS, "-shared", "-fPIC", "-o", str(target), *sources], check=True, timeout=600
    )
    return ctypes.CDLL(str(target))


def quantize_multiplier(scale: float) -> tuple[int, int]:
    """TFLite's QuantizeMultiplier: scale as (multiplier in [2^30, 2^31) or 0, shift in [-31, 30])."""
    if scale == 0.0:
        return 0, 0
    fraction, shift = math.frexp(scale)
    multiplier = math.floor(fraction * 2.0**31 + 0.5)
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    if shift > 30:
        return (1 << 31) - 1, 30
    return multiplier, shift


def convolution_scale(input_scale: float, weight_scale: float, output_scale: float) -> float:
    """CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED: float32 scales, each made double first."""
    return _real(input_scale) * _real(weight_scale) / _real(output_scale)


def _real(scale: float) -> float:
    return float(np.float32(scale))


def mean_requant(input_scale: float, output_scale: float, count: int) -> tuple[int, int]:
    """MEAN: the multiplier of input scale / output scale, with 1 / count folded in by integers."""
    multiplier, shift = quantize_multiplier(_real(input_scale) / _real(output_scale))
    move = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << move) // count, shift - move


def add_requants(
    scale1: float, scale2: float, output_scale: float
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int], int]:
    """ADD and SUB: requants of the inputs and the output, and the left shift (20)."""
    twice = 2.0 * max(_real(scale1), _real(scale2))
    return (
        quantize_multiplier(_real(scale1) / twice),
        quantize_multiplier(_real(scale2) / twice),
        quantize_multiplier(twice / ((1 << 20) * _real(output_scale))),
        20,
    )


def square_requants(
    scale1: float, scale2: float, output_scale: float
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int], int]:
    """SQUARED_DIFFERENCE: as `add_requants`, with the left shift 7."""
    twice = 2.0 * max(_real(scale1), _real(scale2))
    return (
        quantize_multiplier(_real(scale1) / twice),
        quantize_multiplier(_real(scale2) / twice),
        quantize_multiplier(twice * twice / ((1 << 14) * _real(output_scale))),
        7,
    )


def mul_requant(
    scale1: float, scale2: float, output_scale: float, tflm: bool = False
) -> tuple[int, int]:
    """MUL: TFLite multiplies and divides the scales in float32, tflite-micro in double."""
    if tflm:
        return quantize_multiplier(_real(scale1) * _real(scale2) / _real(output_scale))
    product = np.float32(scale1) * np.float32(scale2)
    return quantize_multiplier(float(product / np.float32(output_scale)))


def softmax_constants(beta: float, input_scale: float) -> tuple[tuple[int, int], int]:
    """SOFTMAX: the requant of step differences to 5 integer bits, and the least difference that counts."""
    real = min(float(np.float32(beta)) * _real(input_scale) * (1 << 26), (1 << 31) - 1.0)
    multiplier, shift = quantize_multiplier(real)
    return (multiplier, shift), -math.floor(31.0 * (1 << 26) / (1 << shift))


def activation_range(activation: int, scale: float, zero_point: int) -> tuple[int, int]:
    """The fused activation's range in steps: 0 none, 1 RELU, 2 RELU_N1_TO_1, 3 RELU6; float32 quotients."""

    def step(value: float) -> int:
        quotient = np.float32(value) / np.float32(scale)
        return zero_point + int(math.copysign(math.floor(abs(quotient) + 0.5), quotient))

    low, high = {0: (None, None), 1: (0.0, None), 2: (-1.0, 1.0), 3: (0.0, 6.0)}[activation]
    return (
        -128 if low is None else max(-128, step(low)),
        127 if high is None else min(127, step(high)),
    )


def padding(size: int, window: int, stride: int, dilation: int, same: bool) -> tuple[int, int]:
    """(output size, places before the first one) of one dimension."""
    extent = (window - 1) * dilation + 1
    output = -(-size // stride) if same else -(-(size - extent + 1) // stride)
    return output, max(0, (output - 1) * stride + extent - size) // 2 if same else 0


@dataclass(frozen=True)
class Geometry:
    """Stride, dilation and padding of a window; activation as TFLite numbers it."""

    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    same: bool = True
    activation: int = 0

    def place(self, image: tuple[int, int], window: tuple[int, int]) -> tuple[cs.Window, int, int]:
        """Returns the kernel's window and the output's height and width."""
        height, top = padding(image[0], window[0], self.stride[0], self.dilation[0], self.same)
        width, left = padding(image[1], window[1], self.stride[1], self.dilation[1], self.same)
        return cs.Window(*window, *self.stride, *self.dilation, top, left), height, width


def pointer(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def strides(shape: Sequence[int], output: Sequence[int]) -> list[int]:
    """Strides in elements that broadcast `shape` to the 4-dimensional `output`."""
    full = [1] * (4 - len(shape)) + list(shape)
    result, step = [0] * 4, 1
    for d in range(3, -1, -1):
        result[d] = 0 if full[d] == 1 and output[d] != 1 else step
        step *= full[d]
    return result
