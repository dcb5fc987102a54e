"""Piecewise linear magnitude scaling, learned for each mel band.

y = k0 x + sum over i of k_i relu(a_i x - t_i). Everything is a 1x1 depthwise convolution or an addition, so that it
quantizes per band and needs no operator that an NPU lacks.
"""

from typing import Any

import keras

K0 = 0.40
SLOPES = (0.25, 0.15, 0.08)  # k_i
KNEES = (0.10, 0.35, 0.65)  # t_i; a_i starts at 1


def _scale(x: Any, weight: float, name: str, trainable: bool, offset: float | None = None) -> Any:
    return keras.layers.DepthwiseConv2D(
        1,
        use_bias=offset is not None,
        depthwise_initializer=keras.initializers.Constant(weight),
        bias_initializer=keras.initializers.Constant(offset or 0.0),
        trainable=trainable,
        name=name,
    )(x)


def build(x: Any, *, trainable: bool) -> Any:
    """Scale `[batch, 1, frames, bands]`, channel by channel; its weights train if `trainable`."""
    terms = [_scale(x, K0, "pwl_k0", trainable)]
    for i, (slope, knee) in enumerate(zip(SLOPES, KNEES, strict=True), start=1):
        hinge = _scale(x, 1.0, f"pwl_a{i}", trainable, offset=-knee)
        hinge = keras.layers.ReLU(name=f"pwl_relu{i}")(hinge)
        terms.append(_scale(hinge, slope, f"pwl_k{i}", trainable))
    total = terms[0]
    for i, term in enumerate(terms[1:], start=1):
        total = keras.layers.Add(name=f"pwl_add{i}")([total, term])
    return total
