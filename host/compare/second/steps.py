"""Between the steps of a quantized tensor and the real numbers that they stand for."""

from typing import Any

import numpy as np

from host.compare.second.call import Real
from model_gen.codegen.tflite.graph import Array, Tensor


def real_of(tensor: Tensor, steps: Array) -> Array:
    """The numbers that steps stand for; a tensor that is not quantized as it is."""
    quantization = tensor.quantization
    if quantization is None or steps.dtype.kind not in "iu":
        return steps
    along = [1] * steps.ndim
    if len(quantization.scales) > 1:
        along[quantization.axis] = -1
    scales = np.array(quantization.scales, np.float64).reshape(along)
    zeros = np.array(quantization.zero_points, np.float64).reshape(along)
    return np.asarray((steps.astype(np.float64) - zeros) * scales)


def in_steps(tensor: Tensor, values: Real, dtype: np.dtype[Any]) -> Real:
    """Real numbers in a tensor's steps, not rounded, but saturated as they are; indices, which have no scale, alike."""
    scale, zero_point = 1.0, 0
    if tensor.quantization is not None:
        (scale,), (zero_point,) = tensor.quantization.scales, tensor.quantization.zero_points
    info = np.iinfo(dtype)
    return np.clip(values / scale + zero_point, info.min, info.max)
