"""Decibels in the network: 10 log10(max(x, 1e-6)).

The logarithm becomes TFLite's int8 LOG, a table of 256, and the factor 10 / ln 10 a depthwise convolution. What is 0
in int8 has no logarithm and becomes the lowest step, which the calibration makes that of 1e-6, or the smallest seen.
"""

import math
from typing import Any

import keras

from model_gen.frontends.layers import named, per_channel

FLOOR = 1e-6
DECIBELS = 10 / math.log(10)  # of one neper of power


def build(x: Any, *, trainable: bool) -> Any:
    """Scale `[batch, 1, frames, bands]`, channel by channel; in dB, from -60."""
    x = named(keras.ops.maximum(x, FLOOR), "db_floor")
    x = named(keras.ops.log(x), "db_log")
    return per_channel(x, DECIBELS, "db_factor", trainable=trainable)
