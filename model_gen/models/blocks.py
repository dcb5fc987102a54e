"""Blocks that backbones are made of."""

from typing import Any

import keras

BN_MOMENTUM = 0.9  # statistics settle within an epoch of a small data set


def make_divisible(value: float, divisor: int = 8) -> int:
    """The multiple of `divisor` nearest to `value`, at least `divisor`: max(8, floor((v + 4) / 8) * 8)."""
    return max(divisor, int(value + divisor / 2) // divisor * divisor)


def conv_bn_relu6(x: Any, channels: int, kernel: int, strides: tuple[int, int], name: str) -> Any:
    """Convolution without bias, batch normalization, ReLU6."""
    x = keras.layers.Conv2D(
        channels, kernel, strides=strides, padding="same", use_bias=False, name=f"{name}_conv"
    )(x)
    x = keras.layers.BatchNormalization(momentum=BN_MOMENTUM, name=f"{name}_bn")(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x)


def ds_block(x: Any, channels: int, stride: int, name: str, seed: int, dropout: float) -> Any:
    """Depthwise 3x3, BN, ReLU6, pointwise, BN, spatial dropout, the residual where shapes allow it, ReLU6."""
    residual = x if stride == 1 and x.shape[-1] == channels else None
    x = keras.layers.DepthwiseConv2D(
        3, strides=stride, padding="same", use_bias=False, name=f"{name}_dw"
    )(x)
    x = keras.layers.BatchNormalization(momentum=BN_MOMENTUM, name=f"{name}_dw_bn")(x)
    x = keras.layers.ReLU(6.0, name=f"{name}_dw_relu")(x)
    x = keras.layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_pw")(x)
    x = keras.layers.BatchNormalization(momentum=BN_MOMENTUM, name=f"{name}_pw_bn")(x)
    if dropout:
        x = keras.layers.SpatialDropout2D(dropout, seed=seed, name=f"{name}_drop")(x)
    if residual is not None:
        x = keras.layers.Add(name=f"{name}_add")([x, residual])
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x)
