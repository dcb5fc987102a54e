"""The inverted residual block: wide inside, narrow between blocks, no activation at its end.

After Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, 2018.
"""

from typing import Any

import keras

from model_gen.models.blocks.channels import make_divisible
from model_gen.models.blocks.convolution import depthwise_bn_relu6, drop_and_add, pointwise_bn
from model_gen.models.blocks.squeeze_excite import squeeze_excite


def inverted_residual(
    x: Any,
    channels: int,
    stride: int,
    name: str,
    *,
    seed: int,
    dropout: float,
    kernel: int = 3,
    expansion: int = 2,
    se_reduction: int | None = None,
) -> Any:
    """Expand, BN, ReLU6, depthwise, BN, ReLU6, squeeze and excitation, project, BN, spatial dropout, the residual.

    `[batch, h, w, c]` -> `[batch, ceil(h / stride), ceil(w / stride), channels]`, of either sign. Inside there are
    make_divisible(c * expansion) channels; an expansion of 1 keeps its convolution, as the definition has it.

    Args:
        se_reduction: of the inner channels, by squeeze and excitation; None leaves it out.
    """
    source = x
    x = pointwise_bn(x, make_divisible(x.shape[-1] * expansion), f"{name}_expand")
    x = keras.layers.ReLU(6.0, name=f"{name}_expand_relu")(x)
    x = depthwise_bn_relu6(x, kernel, stride, f"{name}_dw")
    if se_reduction is not None:
        x = squeeze_excite(x, se_reduction, f"{name}_se")
    x = pointwise_bn(x, channels, f"{name}_project")
    return drop_and_add(x, source, stride, name, dropout=dropout, seed=seed)
