"""What frontends and scalings are made of besides Keras's own layers."""

from typing import Any

import keras


def per_channel(
    x: Any, weight: float, name: str, *, offset: float | None = None, trainable: bool
) -> Any:
    """`weight` x + `offset` on `[batch, rows, frames, channels]`, with a weight and an offset of each channel's own.

    A 1x1 depthwise convolution, which quantizes per channel; without an offset it has no bias.
    """
    return keras.layers.DepthwiseConv2D(
        1,
        use_bias=offset is not None,
        depthwise_initializer=keras.initializers.Constant(weight),
        bias_initializer=keras.initializers.Constant(offset or 0.0),
        trainable=trainable,
        name=name,
    )(x)


def named(x: Any, name: str) -> Any:
    """`x`, the result of a function of keras.ops, whose operation is now called `name`.

    Keras numbers them over all models of a process, and the same model would be saved under other names.
    """
    x._keras_history.operation.name = name
    return x
