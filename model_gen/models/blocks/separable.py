"""The depthwise-separable block."""

from typing import Any

import keras

from model_gen.models.blocks.convolution import depthwise_bn_relu6, drop_and_add, pointwise_bn


def ds_block(
    x: Any, channels: int, stride: int, name: str, *, seed: int, dropout: float, kernel: int = 3
) -> Any:
    """Depthwise, BN, ReLU6, pointwise, BN, spatial dropout, the residual where shapes allow it, ReLU6.

    `[batch, h, w, c]` -> `[batch, ceil(h / stride), ceil(w / stride), channels]` in [0, 6].
    """
    source = x
    x = depthwise_bn_relu6(x, kernel, stride, f"{name}_dw")
    x = pointwise_bn(x, channels, f"{name}_pw")
    x = drop_and_add(x, source, stride, name, dropout=dropout, seed=seed)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x)
