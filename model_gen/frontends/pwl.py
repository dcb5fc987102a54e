"""Piecewise linear magnitude scaling, learned for each mel band.

y = k0 x + sum over i of k_i relu(a_i x - t_i). Everything is a 1x1 depthwise convolution or an addition, so that it
quantizes per band and needs no operator that an NPU lacks.
"""

from typing import Any

import keras

from model_gen.frontends.layers import per_channel

K0 = 0.40
SLOPES = (0.25, 0.15, 0.08)  # k_i
KNEES = (0.10, 0.35, 0.65)  # t_i; a_i starts at 1


def build(x: Any, *, trainable: bool) -> Any:
    """Scale `[batch, 1, frames, bands]`, channel by channel."""
    total = per_channel(x, K0, "pwl_k0", trainable=trainable)
    for i, (slope, knee) in enumerate(zip(SLOPES, KNEES, strict=True), start=1):
        hinge = per_channel(x, 1.0, f"pwl_a{i}", offset=-knee, trainable=trainable)
        hinge = keras.layers.ReLU(name=f"pwl_relu{i}")(hinge)
        term = per_channel(hinge, slope, f"pwl_k{i}", trainable=trainable)
        total = keras.layers.Add(name=f"pwl_add{i}")([total, term])
    return total
