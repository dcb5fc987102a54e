"""PCEN in the network: each band less its own recent level, in the published form of pools.

m = 8 average pools of 3 frames, one after the other, of x: a smooth window of 17 frames around each;
y0 = relu(x - 0.6 m);  out = relu(0.15 y0 + 0.45 relu(y0 - 0.2)).

The true normalization, which divides by the level, is `--input-compression pcen`: of the whole spectrum, in float32.
"""

from typing import Any

import keras

from model_gen.frontends.layers import per_channel

POOLS = 8
FRAMES = 3  # of one pool
LEVEL = 0.6  # share of the level that is taken away
SLOPE = 0.15
KNEE_SLOPE = 0.45
KNEE = 0.2


def build(x: Any, *, trainable: bool) -> Any:
    """Scale `[batch, 1, frames, bands]`, channel by channel. Padding does not count in the averages at the ends."""
    level = x
    for i in range(1, POOLS + 1):
        level = keras.layers.AveragePooling2D(
            (1, FRAMES), strides=1, padding="same", name=f"pcen_pool{i}"
        )(level)
    level = per_channel(level, -LEVEL, "pcen_level", trainable=trainable)
    above = keras.layers.Add(name="pcen_above")([x, level])
    above = keras.layers.ReLU(name="pcen_y0")(above)
    knee = per_channel(above, 1.0, "pcen_knee", offset=-KNEE, trainable=trainable)
    knee = keras.layers.ReLU(name="pcen_knee_relu")(knee)
    low = per_channel(above, SLOPE, "pcen_slope", trainable=trainable)
    high = per_channel(knee, KNEE_SLOPE, "pcen_knee_slope", trainable=trainable)
    total = keras.layers.Add(name="pcen_add")([low, high])
    return keras.layers.ReLU(name="pcen_relu")(total)
