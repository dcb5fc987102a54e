"""Squeeze and excitation: a gate a channel, made of the means of all channels.

After Hu et al., Squeeze-and-Excitation Networks, 2018; without biases.
"""

from typing import Any

import keras

from model_gen.models.blocks.channels import squeezed


def squeeze_excite(x: Any, reduction: int, name: str) -> Any:
    """x sigmoid(W2 relu(W1 mean(x))), the mean over height and width; `[batch, h, w, c]` -> the same shape.

    W1 is `[c, max(1, floor(c / reduction))]`, W2 back again. The means are vectors, so that both are fully connected
    in the converted model, too, and the gates come back to a place by a reshape.
    """
    channels = x.shape[-1]
    gate = keras.layers.GlobalAveragePooling2D(name=f"{name}_squeeze")(x)
    gate = keras.layers.Dense(
        squeezed(channels, reduction), activation="relu", use_bias=False, name=f"{name}_reduce"
    )(gate)
    gate = keras.layers.Dense(
        channels, activation="sigmoid", use_bias=False, name=f"{name}_excite"
    )(gate)
    gate = keras.layers.Reshape((1, 1, channels), name=f"{name}_gate")(gate)
    return keras.layers.Multiply(name=f"{name}_scale")([x, gate])
