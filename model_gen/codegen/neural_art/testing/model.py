"""The model that the small network is said to be compiled from, as a real .tflite. Needs TensorFlow's schema."""

from functools import cache

import numpy as np

from model_gen.codegen.neural_art.testing.written import OUT_SCALE, OUT_ZERO, SCALE, WEIGHTS, ZERO
from model_gen.codegen.testing.models import builder
from model_gen.codegen.testing.single_ops import window


@cache
def small_model(*, changed: bool = False, float_ends: bool = False, twice: bool = False) -> bytes:
    """CONV_2D with WEIGHTS, then SOFTMAX; int8 at its ends.

    Args:
        changed: whether one weight is another.
        float_ends: whether its output is float32.
        twice: whether another convolution has the same weights again.
    """
    made = builder()
    weights = np.frombuffer(WEIGHTS, np.int8).reshape(16, 3, 3, 1).copy()
    weights[3, 1, 2, 0] += changed
    shape = (1, 4, 4, 16)
    tensors = [
        made.Tensor((1, 4, 4, 1), SCALE, ZERO),
        made.Tensor(weights.shape, [0.01] * 16, data=weights),
        made.Tensor((16,), [0.01 * SCALE] * 16, data=np.zeros(16, np.int32), dtype="int32"),
        made.Tensor(shape, 0.05, 3),
        made.Tensor(shape, OUT_SCALE, OUT_ZERO),
        made.Tensor(shape, dtype="float32"),
    ]
    plain = window(dilationHFactor=1, dilationWFactor=1, fusedActivationFunction=0)
    ops = [
        ("CONV_2D", [0, 1, 2], [3], {"Conv2DOptions": plain}, 3),
        ("SOFTMAX", [3], [4], {"SoftmaxOptions": {"beta": 1.0}}, 2),
    ]
    if float_ends:
        ops.append(("DEQUANTIZE", [4], [5], {"DequantizeOptions": {}}, 2))
    elif twice:
        tensors[5:] = [
            made.Tensor(weights.shape, [0.01] * 16, data=weights),
            made.Tensor(shape, 0.05, 3),
        ]
        ops.append(("CONV_2D", [0, 5, 2], [6], {"Conv2DOptions": plain}, 3))
    else:
        tensors.pop()
    return bytes(made.model(ops, tensors))
