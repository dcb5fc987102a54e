"""Scale and zero point of int8 from what a tensor holds, to the bit as TFLite's converter computes them."""

import math

import numpy as np
import numpy.typing as npt

Range = tuple[float, float]  # least and most, each exactly a float32
Steps = tuple[
    float, int
]  # scale, exactly a float32, and zero point: real = scale (step - zero point)

LEAST_MAGNITUDE = 5e-7  # of a channel of a kernel; one with less has the steps of this
MOST_BIAS = 2.0**30  # steps of a bias; where it had more, its channel's kernel has larger ones
_LEAST_WIDTH = 1e-6  # a range that is narrower grows by as much at each end


def activation_steps(held: Range) -> Steps:
    """Steps of an activation, or of a constant that is no kernel: 0 is one of them, 255 hold the range.

    The scale is computed in float32, the zero point from it in float64, half away from zero.
    """
    low, high = min(held[0], 0.0), max(held[1], 0.0)
    if high - low < _LEAST_WIDTH:
        low, high = low - _LEAST_WIDTH, high + _LEAST_WIDTH
    scale = float((np.float32(high) - np.float32(low)) / np.float32(255))
    zero = -128 - low / scale
    rounded = math.copysign(math.floor(abs(zero) + 0.5), zero)
    return scale, int(min(127.0, max(-128.0, rounded)))


def kernel_scales(kernel: npt.NDArray[np.float32], axis: int) -> npt.NDArray[np.float32]:
    """Scales of a kernel, one for each index of `axis`: the largest magnitude is 127 steps."""
    others = tuple(i for i in range(kernel.ndim) if i != axis)
    most = np.maximum(np.abs(kernel).max(axis=others), np.float32(LEAST_MAGNITUDE))
    return np.asarray(most / np.float32(127))
