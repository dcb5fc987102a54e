"""Values in steps of int8, still in float32, with the gradient of a function that does not round.

The straight-through estimator (Bengio et al., Estimating or Propagating Gradients Through Stochastic Neurons, 2013):
what rounds has the gradient 1, what is cut off at an end of the range has 0.
"""

import math
from typing import Any

import tensorflow as tf

from model_gen.quantization.ranges.steps import LEAST_MAGNITUDE

# Times this the half of a step is rounded away from zero and not to even; what is less by 2^-13 of a step is not.
_AWAY = 1.0 + 2.0**-22
# Of so many values a window on, XLA makes one pass over memory of seven, and of the gradient's three: the same bits,
# but for the sign of a gradient that is 0. For fewer, that does not pay for being compiled, once a shape.
_FUSED = 4096


def activation(
    x: Any, steps: Any, shift: Any = None, ends: tuple[float, float] = (-math.inf, math.inf)
) -> Any:
    """`x`, cut off at `ends`, as an int8 tensor holds it; `steps` is [2]: scale and zero point, float32.

    `shift`, a number a channel, rounds twice, as TFLite's kernels rescale a sum: first to 2^-shift of a step, then
    halves away from zero.
    """
    x = tf.convert_to_tensor(x)
    scale, zero = steps[0], steps[1]
    low = tf.maximum(scale * (-128.0 - zero), ends[0])
    high = tf.minimum(scale * (127.0 - zero), ends[1])
    parts = 1.0 if shift is None else tf.pow(2.0, shift)
    finer, coarser = parts / scale, 1.0 if shift is None else _AWAY / parts
    forward, backward = (_forward_fused, _backward_fused) if _is_large(x) else (_forward, _backward)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def rounded(given: Any) -> Any:
        made = forward(given, low, high, finer, coarser, scale)
        return made, lambda slope: backward(given, low, high, slope)

    return rounded(x)


def _is_large(x: Any) -> bool:
    sizes = x.shape[1:].as_list()
    return None not in sizes and math.prod(sizes) >= _FUSED


def _forward(x: Any, low: Any, high: Any, finer: Any, coarser: Any, scale: Any) -> Any:
    held = tf.minimum(tf.maximum(x, low), high)
    return tf.round(tf.round(held * finer) * coarser) * scale


def _backward(x: Any, low: Any, high: Any, slope: Any) -> Any:
    held = tf.minimum(tf.maximum(x, low), high)
    # A product takes half the time of tf.where, whose zero is broadcast.
    return slope * tf.cast(tf.equal(x, held), tf.float32)


_forward_fused, _backward_fused = (
    tf.function(one, jit_compile=True) for one in (_forward, _backward)
)


def right_shift(multiplier: Any, count: int = 1) -> Any:
    """By how many bits TFLite shifts a sum to the right that it multiplies by m / `count`: m = q 2^-n, 1/2 <= q < 1.

    The whole powers of 2 in the count of values of a mean are shifted, too.
    """
    shifted = count.bit_length() - 1
    return tf.maximum(0.0, shifted - tf.floor(tf.math.log(multiplier) / math.log(2.0)) - 1.0)


def kernel(weights: Any, axis: int, least: Any = 0.0) -> tuple[Any, Any]:
    """Weights of one scale for each index of `axis`, symmetric, 127 steps each way; and those scales [n].

    They are multiplied by the float32 reciprocal of their scale: a quotient would fall to the other side of a half.

    `least`: scales are at least this, a number or [n].
    """
    others = [i for i in range(len(weights.shape)) if i != axis]
    most = tf.stop_gradient(tf.reduce_max(tf.abs(weights), axis=others))
    scale = tf.maximum(tf.maximum(most, LEAST_MAGNITUDE) / 127.0, tf.stop_gradient(least))
    wide = tf.reshape(scale, [-1 if i == axis else 1 for i in range(len(weights.shape))])
    return weights + tf.stop_gradient(_nearest(weights * (1.0 / wide)) * wide - weights), scale


def bias(values: Any, scales: Any) -> Any:
    """Values [n] in steps of `scales` [n], as int32 holds them."""
    return values + tf.stop_gradient(_nearest(values / scales) * scales - values)


def _nearest(x: Any) -> Any:
    """The nearest whole number, halves away from zero, as the converter rounds; tf.round takes the even one."""
    whole = tf.floor(tf.abs(x))
    return tf.sign(x) * (whole + tf.cast(tf.abs(x) - whole >= 0.5, tf.float32))
