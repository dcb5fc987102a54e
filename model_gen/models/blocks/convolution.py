"""Convolutions with what always follows them, and the end of a block."""

from typing import Any

import keras

from model_gen.runtime import replicas

BN_MOMENTUM = 0.9  # statistics settle within an epoch of a small data set


def batch_norm(x: Any, name: str) -> Any:
    """Batch normalization; any shape, channels last. Over several devices it is of the whole batch."""
    return keras.layers.BatchNormalization(
        momentum=BN_MOMENTUM, synchronized=replicas() > 1, name=name
    )(x)


def conv_bn_relu6(x: Any, channels: int, kernel: int, strides: tuple[int, int], name: str) -> Any:
    """Convolution without bias, batch normalization, ReLU6.

    `[batch, h, w, c]` -> `[batch, ceil(h / strides[0]), ceil(w / strides[1]), channels]` in [0, 6].
    """
    x = keras.layers.Conv2D(
        channels, kernel, strides=strides, padding="same", use_bias=False, name=f"{name}_conv"
    )(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(batch_norm(x, f"{name}_bn"))


def depthwise_bn_relu6(x: Any, kernel: int, stride: int, name: str) -> Any:
    """Depthwise convolution of side `kernel` without bias, batch normalization, ReLU6.

    `[batch, h, w, c]` -> `[batch, ceil(h / stride), ceil(w / stride), c]` in [0, 6].
    """
    x = keras.layers.DepthwiseConv2D(
        kernel, strides=stride, padding="same", use_bias=False, name=name
    )(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(batch_norm(x, f"{name}_bn"))


def pointwise_bn(x: Any, channels: int, name: str) -> Any:
    """1x1 convolution without bias, batch normalization: `[batch, h, w, c]` -> `[batch, h, w, channels]`."""
    x = keras.layers.Conv2D(channels, 1, use_bias=False, name=name)(x)
    return batch_norm(x, f"{name}_bn")


def drop_and_add(x: Any, source: Any, stride: int, name: str, *, dropout: float, seed: int) -> Any:
    """Spatial dropout of `x`, and `source`, what the block began with, added if stride is 1 and channels are the same.

    Dropout takes away whole channels, in training alone; 0 leaves its layer out.
    """
    if dropout:
        x = keras.layers.SpatialDropout2D(dropout, seed=seed, name=f"{name}_drop")(x)
    if stride != 1 or source.shape[-1] != x.shape[-1]:
        return x
    return keras.layers.Add(name=f"{name}_add")([x, source])
