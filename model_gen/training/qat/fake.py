"""Values in steps of int8, still in float32, with the gradient of a function that does not round.

The straight-through estimator (Bengio et al., Estimating or Propagating Gradients Through Stochastic Neurons, 2013):
what rounds has the gradient 1, what is cut off at an end of the range has 0.
"""

import math
from typing import Any

import tensorflow as tf

LEAST_MAGNITUDE = 5e-7  # of a channel of a kernel; one with less has the steps of this


def activation(x: Any, steps: Any, shift: Any = None) -> Any:
    """`x` as an int8 tensor holds it; `steps` is [2]: scale and zero point, float32.

    `shift`, a number a channel, rounds twice, as TFLite's kernels rescale a sum: first to 2^-shift of a step.
    """
    scale, zero = steps[0], steps[1]
    low, high = scale * (-128.0 - zero), scale * (127.0 - zero)
    held = tf.clip_by_value(x, low, high)
    exact = held / scale
    if shift is None:
        rounded = tf.round(exact)
    else:
        parts = tf.pow(2.0, shift)
        fine = tf.round(exact * parts) / parts
        rounded = tf.sign(fine) * tf.floor(tf.abs(fine) + 0.5)
    return held + tf.stop_gradient(rounded * scale - held)


def right_shift(multiplier: Any) -> Any:
    """By how many bits TFLite shifts a sum to the right that it multiplies by less than 1: m = q 2^-n, q >= 1/2."""
    return tf.maximum(0.0, -tf.floor(tf.math.log(multiplier) / math.log(2.0)) - 1.0)


def kernel(weights: Any, axis: int, least: Any = 0.0) -> tuple[Any, Any]:
    """Weights of one scale for each index of `axis`, symmetric, 127 steps each way; and those scales [n].

    `least`: scales are at least this, a number or [n].
    """
    others = [i for i in range(len(weights.shape)) if i != axis]
    most = tf.stop_gradient(tf.reduce_max(tf.abs(weights), axis=others))
    scale = tf.maximum(tf.maximum(most, LEAST_MAGNITUDE) / 127.0, tf.stop_gradient(least))
    wide = tf.reshape(scale, [-1 if i == axis else 1 for i in range(len(weights.shape))])
    return weights + tf.stop_gradient(tf.round(weights / wide) * wide - weights), scale


def bias(values: Any, scales: Any) -> Any:
    """Values [n] in steps of `scales` [n], as int32 holds them."""
    return values + tf.stop_gradient(tf.round(values / scales) * scales - values)
